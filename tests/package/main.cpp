// A stranger's program: a running total, resumed with one number after another.
#include <nanoservice/generator.hpp>

#include <iostream>

nanoservice::generator<int, int> running_total()
{
    for (int total = 0;;)
        total += co_yield total;
}

int main()
{
    auto service = running_total();
    std::cout << *service.next() << '\n';
    for (int value : {5, 7, 9})
        std::cout << *service.send(value) << '\n';
}
