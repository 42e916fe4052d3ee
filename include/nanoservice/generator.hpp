// Python's generator protocol (next, send, throw, close, yield from) as a C++20 coroutine type.
//
//     nanoservice::generator<double, double> running_total() {
//         double total = 0;
//         for (;;) total += co_yield total;
//     }
//     auto g = running_total();
//     g.next();               // runs to the first yield: points to 0
//     g.send(2);              // points to 2
//     g.throw_(my_error{});   // raised at the yield; not caught there, it comes out here
//
// Sources: PEP 342 (coroutines via enhanced generators), PEP 380 (delegating to a subgenerator), PEP 479 and,
// for the value that close() returns, CPython 3.13. The standard library is all that it needs.
//
// What C++ imposes on the code of a body:
// - A handler cannot suspend (co_yield in a catch block is ill-formed): note what was caught and act after it, or
//   receive it with as_result(), which is also some hundred times faster than throwing.
// - Locals aligned beyond alignof(std::max_align_t) are not aligned in a coroutine frame.
// - GCC 12 destroys an aggregate operand of co_yield twice: give a type that owns something a constructor. It
//   refuses braces that make an initializer_list there ("array used as initializer"): name the object first.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace nanoservice {

/// Python's GeneratorExit: close() throws it in at the yield where the generator waits. It is not a
/// std::exception, so that a body's `catch (std::exception&)` lets it pass.
struct generator_exit final {};

/// The base of the errors in the use of a generator.
class generator_error : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// A generator was resumed or closed from inside itself. Raised there; the generator lives on.
class already_executing : public generator_error {
public:
    already_executing() : generator_error("generator already executing") {}
};

/// send() to a generator that has not run to its first yield: no yield expression waits for the value.
class not_started : public generator_error {
public:
    not_started() : generator_error("cannot send a value to a generator that has not started: call next()") {}
};

/// A generator yielded when it was told to exit. It is still suspended and may be closed again.
class ignored_exit : public generator_error {
public:
    ignored_exit() : generator_error("generator ignored generator_exit") {}
};

/// A value was sent while the generator delegates to a range, which cannot take one. Raised in the generator.
class not_sendable : public generator_error {
public:
    not_sendable() : generator_error("cannot send a value to a range that is delegated to") {}
};

/// A value was asked for where there is none: next() resumed a yield expression whose Send cannot be made
/// from nothing, or the subgenerator delegated to had been closed without returning. Raised in the generator.
class no_value : public generator_error {
public:
    no_value() : generator_error("the generator was resumed without a value") {}
};

/// created: nothing has run. suspended: waits at a yield. running: executes now, or a generator that it
/// delegates to does. closed: returned, ended by an exception, closed or moved from.
enum class generator_state { created, suspended, running, closed };

template <class Yield, class Send = void, class Return = void>
class generator;

namespace detail {

/// What is known of a type that was thrown in, so that it can be raised and looked at without being copied
/// first.
struct thrown_type {
    std::type_info const* type;         ///< null: the object is a std::exception_ptr
    void (*raise)(void*);               ///< throws the object
    void (*raise_address)(void const*); ///< throws a pointer to it: a handler matches bases as catch does
};

template <class E>
inline constexpr thrown_type thrown_type_of{
    &typeid(E),
    [](void* object) {
        if constexpr (std::copy_constructible<E>) {
            throw E(*static_cast<E const*>(object)); // a copy: it may be looked at or raised again
        } else {
            throw E(std::move(*static_cast<E*>(object)));
        }
    },
    // NOLINTNEXTLINE(misc-throw-by-value-catch-by-reference): a handler of pointers converts them to a base's
    [](void const* object) { throw static_cast<E const*>(object); },
};

template <>
inline constexpr thrown_type thrown_type_of<std::exception_ptr>{
    nullptr,
    [](void* object) { std::rethrow_exception(*static_cast<std::exception_ptr*>(object)); },
    nullptr,
};

/// Refers to an exception that is thrown in: the object lives in the frame of whoever resumes.
class thrown {
public:
    constexpr thrown() noexcept = default;

    template <class E>
    static constexpr thrown at(E& object) noexcept
    {
        thrown what;
        what.object_ = const_cast<std::remove_const_t<E>*>(std::addressof(object));
        what.type_ = &thrown_type_of<std::remove_const_t<E>>;
        return what;
    }

    constexpr explicit operator bool() const noexcept { return type_ != nullptr; }

    [[noreturn]] void raise() const
    {
        type_->raise(object_);
        std::terminate(); // not reached
    }

    template <class E>
    E const* get_if() const noexcept
    {
        static_assert(!std::is_pointer_v<E>,
                      "a handler of a pointer has a copy of it: rethrow() and catch it");
        if (type_ == nullptr) {
            return nullptr;
        }
        if (type_->type == nullptr) {
            return get_if_from_pointer<E>();
        }
        if (*type_->type == typeid(E)) {
            return static_cast<E const*>(object_);
        }
        if constexpr (std::is_class_v<E> && !std::is_final_v<E>) {
            try {
                type_->raise_address(object_);
            } catch (E const* base) { // NOLINT(misc-throw-by-value-catch-by-reference): see thrown_type_of
                return base;
            } catch (...) { // NOLINT(bugprone-empty-catch): another type was thrown in
            }
        }
        return nullptr;
    }

private:
    // Not inlined: GCC 12 would take a typed object for an exception_ptr there, and warn that it is
    // uninitialized.
    template <class E>
    [[gnu::noinline]] E const* get_if_from_pointer() const noexcept
    {
        try {
            std::rethrow_exception(*static_cast<std::exception_ptr const*>(object_));
        } catch (E const& match) {
            return std::addressof(match); // the exception_ptr keeps it alive
        } catch (...) {
            return nullptr;
        }
    }

    void* object_ = nullptr;
    thrown_type const* type_ = nullptr;
};

template <class T>
inline constexpr bool is_generator = false;
template <class Y, class S, class R>
inline constexpr bool is_generator<generator<Y, S, R>> = true;

/// What is a Yield, which is pointed to (so it need not be copyable), or can be made one.
template <class T, class Yield>
concept yieldable_as = std::convertible_to<T, Yield> ||
                       (std::is_lvalue_reference_v<T> && std::same_as<std::remove_cvref_t<T>, Yield>);

} // namespace detail

/// What a generator was resumed with, for bodies that do not want exceptions raised: `auto r = co_yield
/// as_result(v);`. Either a value or an exception. The exception lives in the frame of whoever resumed, so it
/// may be looked at and raised until the generator suspends again, not later.
template <class Send>
class [[nodiscard]] resumption {
public:
    /// False where an exception was thrown in.
    bool has_value() const noexcept { return !thrown_; }

    /// The value sent. Precondition: has_value().
    Send& operator*() & noexcept { return *value_; }
    Send const& operator*() const& noexcept { return *value_; }
    Send&& operator*() && noexcept { return *std::move(value_); }
    Send* operator->() noexcept { return std::addressof(*value_); }
    Send const* operator->() const noexcept { return std::addressof(*value_); }

    /// The exception thrown in where `catch (E const&)` would match it, else null. Constant time and no
    /// exception for the very type and where E is final; else about as much as a throw.
    template <class E>
    E const* get_if() const noexcept
    {
        return thrown_.get_if<E>();
    }

    /// Raises the exception thrown in; generator_error where there is none.
    [[noreturn]] void rethrow() const
    {
        if (!thrown_) {
            throw generator_error("nothing to rethrow: the generator was resumed with a value");
        }
        thrown_.raise();
    }

    /// For the generator's own use.
    explicit resumption(detail::thrown what) noexcept : thrown_(what) {}
    template <class... Args>
    explicit resumption(std::in_place_t, Args&&... args) : value_(std::in_place, std::forward<Args>(args)...)
    {}

private:
    std::optional<Send> value_;
    detail::thrown thrown_;
};

/// The same where nothing can be sent: has_value() tells that next() resumed.
template <>
class [[nodiscard]] resumption<void> {
public:
    bool has_value() const noexcept { return !thrown_; }

    template <class E>
    E const* get_if() const noexcept
    {
        return thrown_.get_if<E>();
    }

    [[noreturn]] void rethrow() const
    {
        if (!thrown_) {
            throw generator_error("nothing to rethrow: the generator was resumed by next()");
        }
        thrown_.raise();
    }

    explicit resumption(detail::thrown what) noexcept : thrown_(what) {}
    explicit resumption(std::in_place_t) noexcept {}

private:
    detail::thrown thrown_;
};

/// `auto r = co_yield as_result(v);` yields v and gives a resumption<Send> where `co_yield v` gives a Send or
/// throws.
template <class T>
class as_result {
public:
    explicit as_result(T&& value) : value_(std::forward<T>(value)) {}
    T&& value() noexcept { return static_cast<T&&>(value_); }

private:
    T value_; // an lvalue is referred to
};
template <class T>
as_result(T&&) -> as_result<T>;

/// `co_yield elements_of(x)` is Python's `yield from x`. x is a generator of the same Yield and Send, owned
/// by the delegation (move it in), or any input range of what converts to Yield (an lvalue is referred to).
/// The value of the expression is what the generator returned; of a range, nothing.
template <class T>
class elements_of {
public:
    static_assert(!(std::is_lvalue_reference_v<T> && detail::is_generator<std::remove_cvref_t<T>>),
                  "the delegation owns the generator: elements_of(std::move(g))");
    explicit elements_of(T&& from) : from_(std::forward<T>(from)) {}
    T&& from() noexcept { return static_cast<T&&>(from_); }

private:
    T from_;
};
template <class T>
elements_of(T&&) -> elements_of<T>;

namespace detail {

/// A range in the course of being delegated to.
template <class Yield>
class element_source {
public:
    /// The next element, valid until the next call; null at the end. Throws what the range's iterators throw.
    virtual Yield const* next() = 0;

    std::exception_ptr error; ///< what next() threw, until the delegator has received it

protected:
    element_source() = default;
    element_source(element_source const&) = default;
    element_source& operator=(element_source const&) = default;
    ~element_source() = default;
};

/// Where frames come from: a pmr resource named by the coroutine's arguments (std::allocator_arg, resource),
/// or the global operator new. The resource is noted behind the frame, since a frame is freed with nothing
/// but its size. Always inlined: else GCC 12 takes the templates and the delete for a mismatch, and warns in
/// the user's code.
class frame_memory {
public:
    // NOLINTNEXTLINE(misc-new-delete-overloads): its operator delete is that for a frame of a known size
    [[gnu::always_inline]] static inline void* operator new(std::size_t size)
    {
        return allocate(size, nullptr);
    }

    template <class... Args>
    [[gnu::always_inline]] static inline void*
    operator new(std::size_t size, std::allocator_arg_t, std::pmr::polymorphic_allocator<> const& allocator,
                 Args const&...)
    {
        return allocate(size, allocator.resource());
    }

    /// For member functions and lambdas, whose first argument is the object.
    template <class Object, class... Args>
    [[gnu::always_inline]] static inline void*
    operator new(std::size_t size, Object const&, std::allocator_arg_t,
                 std::pmr::polymorphic_allocator<> const& allocator, Args const&...)
    {
        return allocate(size, allocator.resource());
    }

    [[gnu::always_inline]] static inline void operator delete(void* frame, std::size_t size) noexcept
    {
        auto* const from = *resource_of(frame, size);
        if (from != nullptr) {
            from->deallocate(frame, padded(size), alignof(std::max_align_t));
        } else {
            ::operator delete(frame); // sized only under an option in Clang
        }
    }

private:
    using resource = std::pmr::memory_resource;

    static std::size_t offset(std::size_t size) noexcept
    {
        return (size + alignof(resource*) - 1) / alignof(resource*) * alignof(resource*);
    }
    static std::size_t padded(std::size_t size) noexcept { return offset(size) + sizeof(resource*); }
    static resource** resource_of(void* frame, std::size_t size) noexcept
    {
        return reinterpret_cast<resource**>(static_cast<std::byte*>(frame) + offset(size));
    }
    static void* allocate(std::size_t size, resource* from)
    {
        void* const frame = from != nullptr ? from->allocate(padded(size), alignof(std::max_align_t))
                                            : ::operator new(padded(size));
        ::new (static_cast<void*>(resource_of(frame, size)))(resource*)(from);
        return frame;
    }
};

/// The part of a coroutine's promise that does not depend on what it returns.
///
/// A chain of delegation is a list: the root, which its generator object resumes, to the leaf, which
/// executes.
///
///     generator object ──> root <──parent── … <──parent── leaf
///                           └────────────leaf────────────^
///
/// Every resumption goes to the leaf directly. A frame never resumes another: it notes what it wants (a
/// yield, a delegation, its end) and returns to the loop in run(), which resumes the next one. (Symmetric
/// transfer would do the same, but at -O0 it is an ordinary call, and the stack would grow with the length of
/// the chain.)
///
/// Invariants: leaf is meaningful in the root of a chain alone; a frame that is no root has a parent, and an
/// owner, the pointer to it in the parent's delegation; yielded is null while the frame executes.
template <class Yield, class Send>
class promise_base : public frame_memory {
public:
    using sent_pointer = std::add_pointer_t<Send>; // void* where Send is void

    promise_base(promise_base const&) = delete;
    promise_base& operator=(promise_base const&) = delete;

    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { error = std::current_exception(); }

    /// What the yield expression gives: the value sent, or the exception thrown in, raised.
    Send receive()
    {
        if (incoming) [[unlikely]] {
            incoming.raise();
        }
        if constexpr (!std::is_void_v<Send>) {
            if (sent != nullptr) [[likely]] {
                return std::move(*sent);
            }
            if constexpr (std::default_initializable<Send>) {
                return Send{};
            } else {
                throw no_value();
            }
        }
    }

    /// The same for as_result.
    resumption<Send> receive_as_result()
    {
        if (incoming) [[unlikely]] {
            return resumption<Send>(incoming);
        }
        if constexpr (std::is_void_v<Send>) {
            return resumption<Send>(std::in_place);
        } else {
            if (sent != nullptr) [[likely]] {
                return resumption<Send>(std::in_place, std::move(*sent));
            }
            if constexpr (std::default_initializable<Send>) {
                return resumption<Send>(std::in_place);
            } else {
                static no_value nothing;
                return resumption<Send>(thrown::at(nothing));
            }
        }
    }

    void resume_with(sent_pointer value) noexcept
    {
        sent = value;
        incoming = thrown();
    }
    void resume_with(thrown what) noexcept { incoming = what; }

    /// Resumes the leaf of root's chain, and whatever that starts or returns to, until one yields (what it
    /// yielded) or `end`, a frame of the chain, has finished (null). Nothing is thrown: errors stay in their
    /// frame.
    static Yield const* run(promise_base& root, promise_base& end) noexcept
    {
        promise_base* executing = root.leaf;
        for (;;) {
            if (executing->range != nullptr) [[unlikely]] {
                if (auto* const element = executing->next_element()) {
                    root.leaf = executing;
                    return element;
                }
            }
            executing->yielded = nullptr;
            executing->frame.resume();
            if (executing->yielded != nullptr) [[likely]] {
                root.leaf = executing;
                return executing->yielded;
            }
            if (executing->frame.done()) {
                if (executing == &end) {
                    root.leaf = executing;
                    return nullptr;
                }
                executing = executing->finish();
            } else if (executing->range == nullptr) {
                executing = std::exchange(executing->delegate, nullptr)->adopted();
            } else {
                executing->resume_with(sent_pointer());
            }
        }
    }

    /// PEP 380: generator_exit closes the generators delegated to, innermost first, each of which may answer
    /// with an exception. Leaves the root as the leaf and gives what is to be raised in it: `exit`,
    /// ignored_exit where one yielded, or an exception of another kind.
    static thrown close_delegates(promise_base& root, thrown exit) noexcept
    {
        static ignored_exit ignored;
        thrown raised = exit;
        for (promise_base* closing = root.leaf; closing != &root;) {
            promise_base* const outer = closing->parent;
            closing->resume_with(raised);
            if (run(root, *closing) != nullptr) {
                destroy(root.leaf, closing);
                raised = thrown::at(ignored);
            } else {
                raised = closing->failed() ? thrown::at(closing->error) : exit;
            }
            closing = root.leaf = outer;
        }
        return raised;
    }

    /// Destroys the frames from the leaf up to last: no recursion, however long the chain.
    static void destroy(promise_base* leaf, promise_base* last) noexcept
    {
        for (bool done = false; !done;) {
            promise_base* const frame = leaf;
            done = frame == last;
            leaf = frame->parent;
            if (frame->owner != nullptr) {
                *frame->owner = nullptr;
            }
            frame->frame.destroy();
        }
    }

    /// Ended by an exception that is not generator_exit.
    bool failed() noexcept { return error && thrown::at(error).template get_if<generator_exit>() == nullptr; }

    std::coroutine_handle<> frame;
    Yield const* yielded = nullptr;
    sent_pointer sent = nullptr; // in the frame of whoever resumes; null for next()
    thrown incoming;
    element_source<Yield>* range = nullptr; // while it delegates to one
    promise_base* leaf = this;
    promise_base* parent = nullptr;
    promise_base** owner = nullptr;
    promise_base* delegate = nullptr; // asks run() to go on there
    std::exception_ptr error;
    generator_state state = generator_state::created;

protected:
    promise_base() = default;
    ~promise_base() = default;

private:
    /// next walks the range that this frame delegates to. At its end, and where something else than next came
    /// in, the delegation is over (null), and the frame is to be resumed.
    Yield const* next_element() noexcept
    {
        if (!incoming && sent == nullptr) {
            try {
                if (auto* const element = range->next()) {
                    return element;
                }
            } catch (...) { // not noted in this frame: it goes on living, and may return
                range->error = std::current_exception();
                incoming = thrown::at(range->error);
            }
        } else if (!incoming) {
            static not_sendable refused;
            incoming = thrown::at(refused);
        }
        range = nullptr;
        return nullptr;
    }

    /// Hands what this frame ended with to the one that delegated to it, which executes next.
    promise_base* finish() noexcept
    {
        if (error) {
            parent->resume_with(thrown::at(error));
        } else {
            parent->resume_with(sent_pointer());
        }
        return parent;
    }

    /// As the root of a chain that has become part of another one: where that goes on, with next.
    promise_base* adopted() noexcept
    {
        promise_base* const innermost = std::exchange(leaf, this);
        innermost->resume_with(sent_pointer());
        return innermost;
    }
};

/// co_yield v: the operand lives in the frame until the resumption, so it is pointed to.
template <class Promise, bool AsResult>
class yield_awaiter {
public:
    explicit yield_awaiter(Promise& promise) noexcept : promise_(promise) {}
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) noexcept {}
    decltype(auto) await_resume()
    {
        if constexpr (AsResult) {
            return promise_.receive_as_result();
        } else {
            return promise_.receive();
        }
    }

private:
    Promise& promise_;
};

/// co_yield v where v has to be converted.
template <class Promise, class Yield, bool AsResult>
class converting_yield_awaiter : public yield_awaiter<Promise, AsResult> {
public:
    template <class T>
    converting_yield_awaiter(Promise& promise, T&& value)
        : yield_awaiter<Promise, AsResult>(promise),
          promise_(promise),
          value_(std::forward<T>(value))
    {}
    void await_suspend(std::coroutine_handle<>) noexcept { promise_.yielded = std::addressof(value_); }

private:
    Promise& promise_;
    Yield value_;
};

/// co_yield elements_of(generator)
template <class Base, class Yield, class Send, class Return>
class delegation {
public:
    delegation(Base& outer, generator<Yield, Send, Return>&& inner) noexcept
        : outer_(outer),
          inner_(std::move(inner))
    {}

    bool await_ready() const noexcept { return inner_.promise_ == nullptr; }
    void await_suspend(std::coroutine_handle<>) noexcept
    {
        inner_.promise_->parent = &outer_;
        inner_.promise_->owner = &inner_.promise_;
        outer_.delegate = inner_.promise_;
        started_ = true;
    }
    Return await_resume()
    {
        if (started_ && outer_.incoming) {
            outer_.incoming.raise();
        }
        if constexpr (!std::is_void_v<Return>) {
            auto& returned = started_ ? inner_.promise().returned : inner_.result_;
            if (!returned) {
                throw no_value(); // it had been closed, and had nothing to return
            }
            return *std::move(returned);
        }
    }

private:
    Base& outer_;
    generator<Yield, Send, Return> inner_;
    bool started_ = false;
};

/// co_yield elements_of(range)
template <class Base, class Yield, class Range>
class range_delegation final : public element_source<Yield> {
public:
    range_delegation(Base& outer, Range&& range) : outer_(outer), range_(std::forward<Range>(range)) {}

    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) noexcept { outer_.range = this; }
    void await_resume() const
    {
        if (outer_.incoming) {
            outer_.incoming.raise();
        }
    }

    Yield const* next() override
    {
        if (position_) {
            ++*position_;
        } else {
            position_.emplace(std::ranges::begin(range_));
        }
        if (*position_ == std::ranges::end(range_)) {
            return nullptr;
        }
        if constexpr (std::same_as<std::remove_const_t<std::remove_reference_t<reference>>, Yield> &&
                      std::is_lvalue_reference_v<reference>) {
            return std::addressof(**position_);
        } else {
            return std::addressof(element_.emplace(**position_));
        }
    }

private:
    using reference = std::ranges::range_reference_t<Range>;

    Base& outer_;
    Range range_;
    std::optional<std::ranges::iterator_t<Range>> position_;
    std::optional<Yield> element_;
};

template <class Return>
class returning {
public:
    template <std::convertible_to<Return> T>
    void return_value(T&& value)
    {
        returned.emplace(std::forward<T>(value));
    }
    void return_value(Return&& value) { returned.emplace(std::move(value)); }

    std::optional<Return> returned;
};

template <>
class returning<void> {
public:
    static void return_void() noexcept {}
};

template <class Yield, class Send, class Return>
class promise final : public promise_base<Yield, Send>, public returning<Return> {
    using base = promise_base<Yield, Send>;

public:
    generator<Yield, Send, Return> get_return_object() noexcept
    {
        this->frame = std::coroutine_handle<promise>::from_promise(*this);
        return generator<Yield, Send, Return>(*this);
    }

    auto yield_value(Yield const& value) noexcept
    {
        this->yielded = std::addressof(value);
        return yield_awaiter<base, false>(*this);
    }

    template <class T>
        requires std::convertible_to<T, Yield> && (!std::same_as<std::remove_cvref_t<T>, Yield>)
    auto yield_value(T&& value)
    {
        return converting_yield_awaiter<base, Yield, false>(*this, std::forward<T>(value));
    }

    template <class T>
        requires yieldable_as<T, Yield>
    auto yield_value(as_result<T>&& operand)
    {
        if constexpr (std::same_as<std::remove_cvref_t<T>, Yield>) {
            Yield const& value = operand.value();
            this->yielded = std::addressof(value);
            return yield_awaiter<base, true>(*this);
        } else {
            return converting_yield_awaiter<base, Yield, true>(*this, operand.value());
        }
    }

    template <class Returned>
    auto yield_value(elements_of<generator<Yield, Send, Returned>>&& operand) noexcept
    {
        return delegation<base, Yield, Send, Returned>(*this, operand.from());
    }

    template <class Range>
        requires std::ranges::input_range<Range> && yieldable_as<std::ranges::range_reference_t<Range>, Yield>
    auto yield_value(elements_of<Range>&& operand)
    {
        return range_delegation<base, Yield, Range>(*this, operand.from());
    }

    void await_transform() = delete; // a generator yields; it has nobody to await
};

} // namespace detail

/// A coroutine that is resumed with a value, with nothing, or with an exception, and answers with what it
/// yields.
///
/// - Yield: an object type. A resumption gives a pointer to what was yielded, which belongs to the coroutine
///   and is valid until that is resumed, closed or destroyed; null when it has returned.
/// - Send: an object type, the value of a yield expression; void where nothing can be sent.
/// - Return: an object type, what co_return gives; or void.
///
/// Frames can be taken from a memory resource: let the coroutine's first parameters be std::allocator_arg_t
/// and a std::pmr::memory_resource* (or polymorphic_allocator), which must outlive it.
///
/// Complexity: a resumption takes constant time, whatever the depth of delegation, and allocates nothing,
/// throw_ included. Closing and destroying are linear in the depth. The stack does not grow with it.
///
/// An exception that leaves the body comes out of the call that resumed it, and the generator is closed; so
/// it is when the body returns. A closed generator has no frame: what it held is destroyed.
///
/// Not thread-safe: one thread at a time. While it runs it must not be moved, assigned to or destroyed.
template <class Yield, class Send, class Return>
class [[nodiscard]] generator {
    static_assert(std::is_object_v<Yield> && !std::is_const_v<Yield>);
    static_assert(std::is_void_v<Send> || std::is_object_v<Send>);
    static_assert(std::is_void_v<Return> || std::is_object_v<Return>);

    using base = detail::promise_base<Yield, Send>;
    static constexpr bool returns = !std::is_void_v<Return>;

public:
    using promise_type = detail::promise<Yield, Send, Return>;
    using yield_type = Yield;
    using send_type = Send;
    using return_type = Return;

    generator(generator&& other) noexcept
        : promise_(std::exchange(other.promise_, nullptr)),
          result_(std::move(other.result_))
    {
        if constexpr (returns) {
            other.result_.reset();
        }
    }
    generator& operator=(generator&& other) noexcept
    {
        generator moved(std::move(other));
        std::swap(promise_, moved.promise_);
        std::swap(result_, moved.result_);
        return *this;
    }
    generator(generator const&) = delete;
    generator& operator=(generator const&) = delete;

    /// Destroys the frames, innermost first. No handler of the body runs, only destructors.
    ~generator() { destroy(); }

    /// Resumes with nothing: the yield expression gives Send{}, or throws no_value where there is no such
    /// thing.
    Yield const* next() { return resume(nullptr); }

    /// Resumes with a value. Throws not_started (and stays created) where it has not run to its first yield.
    template <class T = Send>
        requires(!std::is_void_v<Send>) && std::convertible_to<T, Send>
    Yield const* send(T&& value)
    {
        if constexpr (std::same_as<T, Send>) {
            return resume(std::addressof(value));
        } else {
            Send converted(std::forward<T>(value));
            return resume(std::addressof(converted));
        }
    }

    /// Resumes with an exception, raised at the yield. On a generator that has not started or is closed it is
    /// raised here, and the generator is closed.
    template <class E>
        requires(!std::same_as<std::remove_cvref_t<E>, std::exception_ptr> &&
                 !std::same_as<std::remove_cvref_t<E>, std::nullptr_t> &&
                 std::constructible_from<std::decay_t<E>,
                                         E>) // so that what only moves is not taken from an lvalue
    Yield const* throw_(E&& exception)
    {
        if constexpr (std::same_as<std::remove_cvref_t<E>, std::decay_t<E>>) {
            return resume_throwing(detail::thrown::at(exception));
        } else {
            std::decay_t<E> decayed(exception); // arrays and functions are thrown as pointers
            return resume_throwing(detail::thrown::at(decayed));
        }
    }

    /// The same with an exception in flight elsewhere. Throws std::invalid_argument for a null pointer.
    Yield const* throw_(std::exception_ptr exception)
    {
        if (!exception) {
            throw std::invalid_argument("generator: throw_ needs an exception");
        }
        return resume_throwing(detail::thrown::at(exception));
    }

    /// Ends the generator: generator_exit is raised at its yield. Gives what the body returned, if it caught
    /// that and returned something; nothing where it had not started, was closed before, or let the exception
    /// pass. Throws what else the body throws; ignored_exit where it yields, and then it is still suspended.
    std::conditional_t<returns, std::optional<Return>, void> close()
    {
        if (promise_ != nullptr) {
            generator_exit exit;
            check_not_running();
            if (promise_->state == generator_state::created) {
                destroy();
            } else if (run_throwing(detail::thrown::at(exit)) != nullptr) {
                throw ignored_exit();
            } else {
                return closed_result(end_of_body());
            }
        }
        if constexpr (returns) {
            return std::nullopt;
        }
    }

    /// What the body returned: empty until then, and after an exception. Where Return can be copied it stays
    /// after close() has given it too.
    std::optional<Return>& result() noexcept
        requires returns
    {
        return result_;
    }

    generator_state state() const noexcept
    {
        return promise_ != nullptr ? promise_->state : generator_state::closed;
    }

private:
    friend promise_type;
    template <class, class, class, class>
    friend class detail::delegation;

    struct nothing {};

    explicit generator(promise_type& promise) noexcept : promise_(&promise) {}

    promise_type& promise() const noexcept { return static_cast<promise_type&>(*promise_); }

    void check_not_running() const
    {
        if (promise_->state == generator_state::running) {
            throw already_executing();
        }
    }

    Yield const* resume(typename base::sent_pointer value)
    {
        if (promise_ == nullptr) {
            return nullptr;
        }
        if (promise_->state != generator_state::suspended) [[unlikely]] {
            check_not_running();
            if (value != nullptr) {
                throw not_started();
            }
        }
        promise_->leaf->resume_with(value);
        return yielded_or_ended(run());
    }

    Yield const* resume_throwing(detail::thrown exception)
    {
        if (promise_ != nullptr) {
            check_not_running();
            if (promise_->state == generator_state::created) {
                destroy();
            }
        }
        if (promise_ == nullptr) {
            exception.raise();
        }
        return yielded_or_ended(run_throwing(exception));
    }

    Yield const* run() noexcept
    {
        promise_->state = generator_state::running;
        auto* const yielded = base::run(*promise_, *promise_);
        promise_->state = generator_state::suspended;
        return yielded;
    }

    Yield const* run_throwing(detail::thrown exception)
    {
        promise_->state = generator_state::running;
        if (promise_->leaf != promise_ && exception.get_if<generator_exit>() != nullptr) {
            exception = base::close_delegates(*promise_, exception);
        }
        promise_->leaf->resume_with(exception);
        return run();
    }

    Yield const* yielded_or_ended(Yield const* yielded)
    {
        if (yielded == nullptr) [[unlikely]] {
            if (auto error = end_of_body()) {
                std::rethrow_exception(std::move(error));
            }
        }
        return yielded;
    }

    /// The body has ended: keeps what it returned, frees the frame, gives the exception that it ended with.
    std::exception_ptr end_of_body()
    {
        generator const ended(std::move(*this));
        if constexpr (returns) {
            // Not after an exception: a local may have thrown when it was destroyed, after co_return.
            if (auto& returned = ended.promise().returned; returned && !ended.promise_->error) {
                result_.emplace(*std::move(returned));
            }
        }
        return std::move(ended.promise_->error);
    }

    auto closed_result(std::exception_ptr error)
    {
        if (error && detail::thrown::at(error).get_if<generator_exit>() == nullptr) {
            std::rethrow_exception(std::move(error));
        }
        if constexpr (returns) {
            if constexpr (std::copy_constructible<Return>) {
                return result_;
            } else {
                return std::exchange(result_, std::nullopt);
            }
        }
    }

    void destroy() noexcept
    {
        if (base* const root = std::exchange(promise_, nullptr)) {
            base::destroy(root->leaf, root);
        }
    }

    base* promise_; // of the root of the chain, owned; null when closed
    [[no_unique_address]] std::conditional_t<returns, std::optional<Return>, nothing> result_;
};

} // namespace nanoservice
