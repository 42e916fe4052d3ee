// The compiled part of Boost.Asio (BOOST_ASIO_SEPARATE_COMPILATION), so that other files compile faster.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
