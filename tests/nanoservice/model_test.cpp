// Random programs of generators that delegate to each other, against an interpreter of PEP 342 and PEP 380.
#include "nanoservice/model.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace nanoservice_test;

namespace {

// The same numbers everywhere.
class random_choice {
public:
    explicit random_choice(unsigned seed) : random_(seed) {}

    int operator()(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

private:
    std::mt19937 random_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(against_a_model)

BOOST_AUTO_TEST_CASE(random_generators_do_what_the_peps_say)
{
    coverage seen;
    for (unsigned seed = 0; seed < 5000; ++seed) {
        random_choice choose(seed);
        BOOST_TEST(difference(choose, 4, 40, seen) == "", "seed " << seed);
    }
    BOOST_TEST(seen.yields > 3000);
    BOOST_TEST(seen.returns > 300);
    BOOST_TEST(seen.errors > 300);
    BOOST_TEST(seen.closes > 100);
    BOOST_TEST(seen.ignored > 10);
}

BOOST_AUTO_TEST_SUITE_END()
