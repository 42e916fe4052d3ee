// Memory: frames from a resource, no allocation by resumption, and every operand destroyed exactly once.
#include "nanoservice/support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace nanoservice_test;

namespace {

std::size_t allocations = 0;

} // namespace

// Not inlined: else GCC sees malloc meet a delete, or new meet free, and takes it for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size)
{
    ++allocations;
    if (void* const memory = std::malloc(size > 0 ? size : 1))
        return memory;
    throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept
{
    std::free(memory);
}

[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}

namespace {

/// How often the global operator new was called since this was made.
class new_allocations {
public:
    std::size_t count() const { return allocations - before_; }

private:
    std::size_t before_ = allocations;
};

/// Checks that memory is given back once, with the size and alignment that it was asked for with.
class checking_resource final : public std::pmr::memory_resource {
public:
    std::size_t outstanding() const { return blocks_.size(); }
    std::size_t taken() const { return taken_; }
    bool mistaken() const { return mistaken_; }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        void* const memory = std::pmr::new_delete_resource()->allocate(bytes, alignment);
        blocks_[memory] = {bytes, alignment};
        ++taken_;
        return memory;
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override
    {
        auto const found = blocks_.find(memory);
        if (found == blocks_.end() || found->second != std::pair(bytes, alignment)) {
            mistaken_ = true;
            return;
        }
        blocks_.erase(found);
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(memory_resource const& other) const noexcept override { return this == &other; }

    std::map<void*, std::pair<std::size_t, std::size_t>> blocks_;
    std::size_t taken_ = 0;
    bool mistaken_ = false;
};

using resource = std::pmr::memory_resource*;

generator<int> from_a_resource(std::allocator_arg_t, resource, int first)
{
    co_yield first;
    co_yield first + 1;
}

generator<int> from_an_allocator(std::allocator_arg_t, std::pmr::polymorphic_allocator<>, std::string text)
{
    co_yield static_cast<int>(text.size());
}

generator<int> nested_in(std::allocator_arg_t, resource memory, int depth)
{
    if (depth > 0)
        co_yield elements_of(nested_in(std::allocator_arg, memory, depth - 1));
    co_yield depth;
}

struct maker {
    int first;
    generator<int> from_me(std::allocator_arg_t, resource, int step) const
    {
        co_yield first;
        co_yield first + step;
    }
};

// Receives everything that it is resumed with, and shows what it was.
generator<int, int> receiver()
{
    for (int shown = 0;;) {
        auto const received = co_yield as_result(shown);
        if (received.has_value())
            shown = *received;
        else if (auto const* const error = received.get_if<failure>())
            shown = error->code;
    }
}

generator<int, int> below(int depth)
{
    if (depth > 0)
        co_yield elements_of(below(depth - 1));
    else
        co_yield elements_of(receiver());
}

// Resumes to the end, and checks after each yield how many objects live: one, the operand, wherever it is.
template <class Body>
void check_operand(Body body, int alive_at_the_yield, int copies)
{
    for (bool to_the_end : {true, false}) {
        tally count;
        {
            auto g = body(count);
            BOOST_TEST(g.next() != nullptr);
            BOOST_TEST(count.alive() == alive_at_the_yield);
            BOOST_TEST(count.copied == copies);
            if (to_the_end) {
                BOOST_TEST(g.next() == nullptr);
                BOOST_TEST(count.alive() == 0);
            }
        }
        BOOST_TEST(count.alive() == 0);
        {
            auto g = body(count);
            g.next();
            BOOST_CHECK_THROW(g.throw_(named_failure("in")), named_failure);
        }
        BOOST_TEST(count.alive() == 0);
        {
            auto g = body(count);
            g.next();
            g.close();
        }
        BOOST_TEST(count.alive() == 0);
    }
}

void rethrow_if_thrown(auto const& received)
{
    if (!received.has_value())
        received.rethrow();
}

/// Converts to counted.
class convertible {
public:
    explicit convertible(tally& in) : counted_(in) {}
    operator counted() const { return counted_; }

private:
    counted counted_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(a_free_function_takes_its_frame_from_the_resource_that_it_is_given)
{
    checking_resource memory;
    new_allocations const before;
    std::size_t global = 0;
    {
        auto g = from_a_resource(std::allocator_arg, &memory, 1);
        BOOST_TEST(memory.outstanding() == 1U);
        BOOST_TEST(given(g.next()) == 1);
        auto moved = std::move(g);
        BOOST_TEST(given(moved.next()) == 2);
        auto const other = from_an_allocator(std::allocator_arg, &memory, "text");
        BOOST_TEST(memory.outstanding() == 2U);
        global = before.count();
    }
    BOOST_TEST(global >= 1U); // the resource's own book-keeping: the counter works
    BOOST_TEST(memory.outstanding() == 0U);
    BOOST_TEST(memory.taken() == 2U);
    BOOST_TEST(!memory.mistaken());
}

BOOST_AUTO_TEST_CASE(a_frame_from_a_resource_takes_nothing_from_the_global_heap)
{
    alignas(std::max_align_t) std::byte buffer[4096];
    std::pmr::monotonic_buffer_resource memory(buffer, sizeof buffer, std::pmr::null_memory_resource());
    new_allocations const before;
    int sum = 0;
    {
        auto g = nested_in(std::allocator_arg, &memory, 3);
        while (auto const* const element = g.next())
            sum += *element;
    }
    auto const global = before.count();
    BOOST_TEST(global == 0U);
    BOOST_TEST(sum == 6);
}

BOOST_AUTO_TEST_CASE(member_functions_and_lambdas_take_their_frames_from_the_resource_too)
{
    checking_resource memory;
    {
        maker const object{5};
        auto g = object.from_me(std::allocator_arg, &memory, 2);
        BOOST_TEST(memory.outstanding() == 1U);
        BOOST_TEST(given(g.next()) == 5);
        BOOST_TEST(given(g.next()) == 7);
        auto plain = [](std::allocator_arg_t, resource, int n) -> generator<int> { co_yield n; };
        auto h = plain(std::allocator_arg, &memory, 3);
        BOOST_TEST(memory.outstanding() == 2U);
        BOOST_TEST(given(h.next()) == 3);
        int captured = 4;
        auto capturing = [&captured](std::allocator_arg_t, resource) -> generator<int> { co_yield captured; };
        auto i = capturing(std::allocator_arg, &memory);
        BOOST_TEST(memory.outstanding() == 3U);
        BOOST_TEST(given(i.next()) == 4);
    }
    BOOST_TEST(memory.outstanding() == 0U);
    BOOST_TEST(!memory.mistaken());
}

BOOST_AUTO_TEST_CASE(a_chain_gives_all_its_frames_back_however_it_ends)
{
    checking_resource memory;
    for (int how = 0; how < 4; ++how) {
        auto g = nested_in(std::allocator_arg, &memory, 10);
        g.next();
        BOOST_TEST(memory.outstanding() == 11U);
        if (how == 1)
            g.close();
        else if (how == 2)
            BOOST_CHECK_THROW(g.throw_(failure{1}), failure);
        else if (how == 3)
            while (g.next() != nullptr) {
            }
        if (how > 0)
            BOOST_TEST(memory.outstanding() == 0U);
    }
    BOOST_TEST(memory.outstanding() == 0U);
    BOOST_TEST(memory.taken() == 44U);
    BOOST_TEST(!memory.mistaken());
}

BOOST_AUTO_TEST_CASE(memory_is_given_back_where_a_parameter_cannot_be_moved_into_the_frame)
{
    struct fragile {
        fragile() = default;
        fragile(fragile const&) { throw failure{1}; }
    };
    checking_resource memory;
    auto body = [](std::allocator_arg_t, resource, fragile) -> generator<int> { co_yield 1; };
    BOOST_CHECK_THROW(std::ignore = body(std::allocator_arg, &memory, fragile()), failure);
    BOOST_TEST(memory.outstanding() == 0U);
    BOOST_TEST(!memory.mistaken());
}

BOOST_AUTO_TEST_CASE(a_resource_that_has_no_memory_throws_at_the_call_of_the_coroutine)
{
    BOOST_CHECK_THROW(std::ignore = from_a_resource(std::allocator_arg, std::pmr::null_memory_resource(), 1),
                      std::bad_alloc);
}

BOOST_AUTO_TEST_CASE(resumption_allocates_nothing_whatever_the_depth)
{
    for (int depth : {0, 1, 64}) {
        auto g = below(depth);
        g.next();
        int sum = 0;
        new_allocations const before;
        for (int value = 0; value < 10; ++value) {
            sum += *g.send(value);
            sum += *g.next();
            sum += *g.throw_(failure{value});
        }
        auto const count = before.count();
        BOOST_TEST(count == 0U);
        BOOST_TEST(sum == 90);
    }
}

BOOST_AUTO_TEST_CASE(a_coroutine_takes_one_allocation)
{
    new_allocations const before;
    auto const g = receiver();
    auto const count = before.count();
    BOOST_TEST(count == 1U);
    BOOST_TEST(g.state() == generator_state::created);
}

BOOST_AUTO_TEST_CASE(a_temporary_operand_is_neither_copied_nor_destroyed_twice)
{
    check_operand([](tally& count) -> generator<counted> { co_yield counted(count); }, 1, 0);
}

BOOST_AUTO_TEST_CASE(a_local_operand_is_not_copied)
{
    check_operand(
        [](tally& count) -> generator<counted> {
            counted const local(count);
            co_yield local;
        },
        1, 0);
}

BOOST_AUTO_TEST_CASE(a_moved_operand_is_pointed_to_where_it_is)
{
    check_operand(
        [](tally& count) -> generator<counted> {
            counted local(count);
            co_yield std::move(local);
        },
        1, 0);
}

BOOST_AUTO_TEST_CASE(an_operand_received_as_a_result_is_destroyed_once)
{
    check_operand(
        [](tally& count) -> generator<counted> {
            auto const received = co_yield as_result(counted(count));
            rethrow_if_thrown(received);
        },
        2, 0); // the temporary and what as_result keeps
}

BOOST_AUTO_TEST_CASE(a_local_operand_received_as_a_result_is_referred_to)
{
    check_operand(
        [](tally& count) -> generator<counted> {
            counted const local(count);
            auto const received = co_yield as_result(local);
            rethrow_if_thrown(received);
        },
        1, 0);
}

BOOST_AUTO_TEST_CASE(a_converted_operand_is_destroyed_once)
{
    check_operand([](tally& count) -> generator<counted> { co_yield convertible(count); }, 2, 1);
    check_operand(
        [](tally& count) -> generator<counted> {
            auto const received = co_yield as_result(convertible(count));
            rethrow_if_thrown(received);
        },
        3, 1);
}

BOOST_AUTO_TEST_CASE(what_a_subgenerator_holds_is_destroyed_once)
{
    struct program {
        static generator<counted> inner(counted parameter)
        {
            counted const local = parameter;
            co_yield parameter;
        }
        static generator<counted> outer(tally& count) { co_yield elements_of(inner(counted(count))); }
    };
    // The argument (a temporary of the whole expression), the parameter and the local.
    check_operand(program::outer, 3, 1);
}

BOOST_AUTO_TEST_CASE(a_range_that_is_delegated_to_is_destroyed_once)
{
    check_operand(
        [](tally& count) -> generator<counted> {
            std::vector<counted> range;
            range.emplace_back(count);
            co_yield elements_of(std::move(range));
        },
        1, 0);
    check_operand(
        [](tally& count) -> generator<counted> {
            std::vector<counted> range;
            range.emplace_back(count);
            co_yield elements_of(range);
        },
        1, 0);
}

BOOST_AUTO_TEST_CASE(a_value_sent_and_a_result_are_moved_and_destroyed_once)
{
    tally count;
    {
        auto body = []() -> generator<int, counted, counted> {
            auto first = co_yield 1;
            auto second = co_yield as_result(first.value());
            co_return *std::move(second);
        };
        auto outer = [](generator<int, counted, counted> inner) -> generator<int, counted, counted> {
            auto returned = co_yield elements_of(std::move(inner));
            co_return returned;
        };
        auto g = outer(body());
        g.next();
        BOOST_TEST(given(g.send(counted(count, 6))) == 6);
        BOOST_TEST(g.send(counted(count, 7)) == nullptr);
        BOOST_TEST(g.result().value().value() == 7);
        BOOST_TEST(count.alive() == 1);
        BOOST_TEST(count.copied == 0);
    }
    BOOST_TEST(count.alive() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
