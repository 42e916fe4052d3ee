// Preloaded into the daemon: makes calls of the system fail as a test outside says, in memory that both share. The
// test's side is tests/acceptance/faults_support.py.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables, cppcoreguidelines-no-malloc): its use
// NOLINTBEGIN(bugprone-reserved-identifier): glibc's own names for what the functions here stand in front of

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);
}

namespace {

enum class kind : std::int64_t { none, receive, send, accept, allocate, watch, wait, timer, descriptor };

// What a call does, where it is not to fail with an errno: as little as it may, or what the end of the other side does.
constexpr std::int64_t short_count = -1;
constexpr std::int64_t end = -2;
constexpr std::int64_t as_usual = 0;

/// All of it written by the test, but for what is said to be counted here.
struct control {
    std::atomic<std::int64_t> what;     ///< the kind of call that fails
    std::atomic<std::int64_t> how;      ///< an errno, or one of those above
    std::atomic<std::int64_t> first;    ///< the number of the first call that fails, from 1; 0 for none
    std::atomic<std::int64_t> times;    ///< how many fail in a row
    std::atomic<std::int64_t> port;     ///< only calls on a connection from that port; 0 for all
    std::atomic<std::int64_t> forward;  ///< by how many seconds the real-time clock is moved
    std::atomic<std::int64_t> seen;     ///< counted: calls of that kind
    std::atomic<std::int64_t> failed;   ///< counted: those that failed
    std::atomic<std::int64_t> obtained; ///< counted: pieces of memory
    std::atomic<std::int64_t> released; ///< counted: those given back
};

// Until the constructor has run, and where no test says anything.
constinit control idle{};
constinit control* settings = &idle;

__attribute__((constructor)) void find_settings()
{
    auto const* const path =
        std::getenv("FAULT_CONTROL"); // NOLINT(concurrency-mt-unsafe): main has not begun
    auto const file = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    auto* const shared = mmap(nullptr, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (shared != MAP_FAILED)
        settings = static_cast<control*>(shared);
}

/// What the function of that name would be without this file.
template <class Function>
Function* real(char const* name)
{
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

/// Whether it is a connection from the port that the test has named, if it has named one.
bool concerns(int descriptor)
{
    auto const wanted = settings->port.load();
    if (wanted == 0)
        return true;
    auto const before = errno;
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    auto const known = getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
    errno = before;
    return known && peer.sin_family == AF_INET && ntohs(peer.sin_port) == wanted;
}

/// Counts a call of that kind, and tells what it is to do.
std::int64_t turn(kind what, int descriptor = -1)
{
    if (settings->what.load() != static_cast<std::int64_t>(what) || !concerns(descriptor))
        return as_usual;
    auto const number = ++settings->seen;
    auto const first = settings->first.load();
    if (first == 0 || number < first || number - first >= settings->times.load())
        return as_usual;
    ++settings->failed;
    return settings->how.load();
}

int fail(std::int64_t how)
{
    errno = static_cast<int>(how);
    return -1;
}

/// A call that moves bytes; `move` does so with that many at most.
template <class Move>
ssize_t transfer(kind what, int descriptor, std::size_t size, Move move)
{
    auto const how = turn(what, descriptor);
    if (how > 0)
        return fail(how);
    if (how == end)
        return 0;
    return move(how == short_count ? std::min<std::size_t>(size, 1) : size);
}

/// The same, of several pieces; the first alone has the bytes of a short one.
template <class Move>
ssize_t transfer(kind what, int descriptor, iovec const* pieces, std::size_t count, Move move)
{
    auto const how = turn(what, descriptor);
    if (how > 0)
        return fail(how);
    if (how == end)
        return 0;
    if (how == as_usual || count == 0)
        return move(pieces, count);
    auto const one = iovec{pieces[0].iov_base, std::min<std::size_t>(pieces[0].iov_len, 1)};
    return move(&one, 1);
}

/// A call that makes a descriptor.
template <class Make>
int make_descriptor(Make make)
{
    auto const how = turn(kind::descriptor);
    return how > 0 ? fail(how) : make();
}

/// A client that has gone before it was accepted is the end of its connection.
template <class Accept>
int take_connection(Accept accept_one)
{
    auto const how = turn(kind::accept);
    if (how > 0)
        return fail(how);
    auto const accepted = accept_one();
    if (how != end || accepted < 0)
        return accepted;
    close(accepted);
    return fail(EAGAIN);
}

/// A piece of memory, counted.
template <class Obtain>
void* memory_from(Obtain obtain)
{
    if (turn(kind::allocate) != as_usual) {
        errno = ENOMEM;
        return nullptr;
    }
    auto* const memory = obtain();
    if (memory != nullptr)
        ++settings->obtained;
    return memory;
}

} // namespace

extern "C" {

ssize_t recv(int descriptor, void* room, std::size_t size, int flags)
{
    static auto* const next = real<decltype(recv)>("recv");
    return transfer(kind::receive, descriptor, size,
                    [&](std::size_t most) { return next(descriptor, room, most, flags); });
}

ssize_t read(int descriptor, void* room, std::size_t size)
{
    static auto* const next = real<decltype(read)>("read");
    return transfer(kind::receive, descriptor, size,
                    [&](std::size_t most) { return next(descriptor, room, most); });
}

ssize_t recvmsg(int descriptor, msghdr* message, int flags)
{
    static auto* const next = real<decltype(recvmsg)>("recvmsg");
    return transfer(kind::receive, descriptor, message->msg_iov, message->msg_iovlen,
                    [&](iovec const* pieces, std::size_t count) {
                        auto cut = *message;
                        cut.msg_iov = const_cast<iovec*>(pieces);
                        cut.msg_iovlen = count;
                        auto const moved = next(descriptor, &cut, flags);
                        cut.msg_iov = message->msg_iov;
                        cut.msg_iovlen = message->msg_iovlen;
                        *message = cut;
                        return moved;
                    });
}

ssize_t readv(int descriptor, iovec const* pieces, int count)
{
    static auto* const next = real<decltype(readv)>("readv");
    return transfer(
        kind::receive, descriptor, pieces, static_cast<std::size_t>(count),
        [&](iovec const* some, std::size_t of) { return next(descriptor, some, static_cast<int>(of)); });
}

ssize_t send(int descriptor, void const* bytes, std::size_t size, int flags)
{
    static auto* const next = real<decltype(send)>("send");
    return transfer(kind::send, descriptor, size,
                    [&](std::size_t most) { return next(descriptor, bytes, most, flags); });
}

ssize_t write(int descriptor, void const* bytes, std::size_t size)
{
    static auto* const next = real<decltype(write)>("write");
    return transfer(kind::send, descriptor, size,
                    [&](std::size_t most) { return next(descriptor, bytes, most); });
}

ssize_t sendmsg(int descriptor, msghdr const* message, int flags)
{
    static auto* const next = real<decltype(sendmsg)>("sendmsg");
    return transfer(kind::send, descriptor, message->msg_iov, message->msg_iovlen,
                    [&](iovec const* pieces, std::size_t count) {
                        auto cut = *message;
                        cut.msg_iov = const_cast<iovec*>(pieces);
                        cut.msg_iovlen = count;
                        return next(descriptor, &cut, flags);
                    });
}

ssize_t writev(int descriptor, iovec const* pieces, int count)
{
    static auto* const next = real<decltype(writev)>("writev");
    return transfer(
        kind::send, descriptor, pieces, static_cast<std::size_t>(count),
        [&](iovec const* some, std::size_t of) { return next(descriptor, some, static_cast<int>(of)); });
}

int accept(int descriptor, sockaddr* peer, socklen_t* size)
{
    static auto* const next = real<decltype(accept)>("accept");
    return take_connection([&] { return next(descriptor, peer, size); });
}

int accept4(int descriptor, sockaddr* peer, socklen_t* size, int flags)
{
    static auto* const next = real<decltype(accept4)>("accept4");
    return take_connection([&] { return next(descriptor, peer, size, flags); });
}

// To watch one more descriptor takes memory; to change or end that cannot fail.
int epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event) noexcept
{
    static auto* const next = real<decltype(epoll_ctl)>("epoll_ctl");
    auto const how = operation == EPOLL_CTL_ADD ? turn(kind::watch) : as_usual;
    return how > 0 ? fail(how) : next(epoll, operation, descriptor, event);
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout)
{
    static auto* const next = real<decltype(epoll_wait)>("epoll_wait");
    auto const how = turn(kind::wait);
    return how > 0 ? fail(how) : next(epoll, events, how == short_count ? 1 : most, timeout);
}

// A short one fires at once.
int timerfd_settime(int timer, int flags, itimerspec const* when, itimerspec* before) noexcept
{
    static auto* const next = real<decltype(timerfd_settime)>("timerfd_settime");
    auto const how = turn(kind::timer);
    if (how != short_count)
        return how > 0 ? fail(how) : next(timer, flags, when, before);
    auto const at_once = itimerspec{{0, 0}, {0, 1}};
    return next(timer, 0, &at_once, before);
}

int socket(int family, int type, int protocol) noexcept
{
    static auto* const next = real<decltype(socket)>("socket");
    return make_descriptor([&] { return next(family, type, protocol); });
}

int epoll_create1(int flags) noexcept
{
    static auto* const next = real<decltype(epoll_create1)>("epoll_create1");
    return make_descriptor([&] { return next(flags); });
}

int eventfd(unsigned int value, int flags) noexcept
{
    static auto* const next = real<decltype(eventfd)>("eventfd");
    return make_descriptor([&] { return next(value, flags); });
}

int timerfd_create(clockid_t clock, int flags) noexcept
{
    static auto* const next = real<decltype(timerfd_create)>("timerfd_create");
    return make_descriptor([&] { return next(clock, flags); });
}

int signalfd(int descriptor, sigset_t const* signals, int flags) noexcept
{
    static auto* const next = real<decltype(signalfd)>("signalfd");
    return make_descriptor([&] { return next(descriptor, signals, flags); });
}

int clock_gettime(clockid_t clock, timespec* now) noexcept
{
    static auto* const next = real<decltype(clock_gettime)>("clock_gettime");
    auto const result = next(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += settings->forward;
    return result;
}

void* malloc(std::size_t size) noexcept
{
    return memory_from([=] { return __libc_malloc(size); });
}

void* calloc(std::size_t count, std::size_t size) noexcept
{
    return memory_from([=] { return __libc_calloc(count, size); });
}

void* realloc(void* memory, std::size_t size) noexcept
{
    if (memory == nullptr)
        return malloc(size);
    if (turn(kind::allocate) != as_usual) {
        errno = ENOMEM;
        return nullptr;
    }
    return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    return memory_from([=] { return __libc_memalign(alignment, size); });
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept
{
    *memory = aligned_alloc(alignment, size);
    return *memory == nullptr ? ENOMEM : 0;
}

void free(void* memory) noexcept
{
    if (memory != nullptr)
        ++settings->released;
    __libc_free(memory);
}

} // extern "C"

// NOLINTEND(bugprone-reserved-identifier)
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables, cppcoreguidelines-no-malloc)
