// The names of the reasons why a connection ended.
#include "net/observer.hpp"

namespace windowd::net {

std::string_view to_string(end_reason reason) noexcept
{
    switch (reason) {
    case end_reason::end_of_input:
        return "end of input";
    case end_reason::reset:
        return "connection reset";
    case end_reason::handshake:
        return "no TLS handshake";
    case end_reason::contract:
        return "not a client of windowd";
    case end_reason::no_token:
        return "no token in time";
    case end_reason::idle:
        return "idle timeout";
    case end_reason::not_reading:
        return "write timeout";
    case end_reason::shutdown:
        return "shutdown";
    case end_reason::forced:
        return "shutdown timeout";
    case end_reason::failed:
        break;
    }
    return "failure";
}

std::string text_of(std::exception_ptr const& exception)
{
    try {
        std::rethrow_exception(exception);
    } catch (std::exception const& known) {
        return known.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

} // namespace windowd::net
