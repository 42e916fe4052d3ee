// How the sessions of a thread are woken by other threads.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

#include <mutex>

namespace windowd::net {

/// Sessions of one thread that are to be woken: whoever has something for one puts it in, and the thread's loop wakes it
/// soon. Neither allocates of its own nor holds its lock while anybody is woken.
class inbox {
public:
    /// What can be put in. Leaves when destroyed, which its own thread does.
    class member : public boost::intrusive::list_base_hook<boost::intrusive::tag<inbox>> {
    public:
        explicit member(inbox& into) noexcept : inbox_(into) {}
        member(member const&) = delete;
        member& operator=(member const&) = delete;

        /// Called in the thread of the loop, once for all calls of wake_soon() before.
        virtual void woken() noexcept = 0;

        /// Any thread may call it.
        void wake_soon() noexcept { inbox_.put(*this); }

    protected:
        ~member()
        {
            if (is_linked()) // nobody else knows it any more
                inbox_.take_out(*this);
        }

    private:
        inbox& inbox_;
    };

    /// Must outlive the loop's run, and the members.
    explicit inbox(boost::asio::io_context& loop) noexcept : loop_(loop) {}
    inbox(inbox const&) = delete;
    inbox& operator=(inbox const&) = delete;
    ~inbox() = default;

private:
    void put(member& one) noexcept;
    void take_out(member& one) noexcept;
    void wake_all() noexcept;
    member* take_one() noexcept;

    boost::asio::io_context& loop_;
    std::mutex mutex_;
    boost::intrusive::list<
        member, boost::intrusive::base_hook<boost::intrusive::list_base_hook<boost::intrusive::tag<inbox>>>>
        members_;
    bool is_posted_ = false; // wake_all() will come
};

} // namespace windowd::net
