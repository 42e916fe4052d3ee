// windowctl follow: one line an event.
#include "ctl/commands.hpp"
#include "ctl/json_text.hpp"
#include "ctl/request.hpp"
#include "ctl/text.hpp"

#include <csignal>

#include <unistd.h>

namespace windowd::ctl {

exit_status follow_windows(workplace const& here)
{
    // From a handler, since a reader that is slow must not keep Ctrl-C waiting.
    std::signal(SIGINT, [](int) { ::_exit(static_cast<int>(exit_status::success)); });
    here.daemon.on_event([&here](std::string_view event) {
        if (here.set.is_json)
            print_json(here.out, event);
        else
            here.out << event_text(event) << "\n";
    });
    here.daemon.request(request("subscribe").text("window", here.set.pattern).line());
    for (;;) {
        here.daemon.take_events();
        here.out.flush();
        here.daemon.run_one();
    }
}

} // namespace windowd::ctl
