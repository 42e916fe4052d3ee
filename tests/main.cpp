// The main function of every test executable.
#define BOOST_TEST_MODULE windowd
#include <boost/test/unit_test.hpp>
