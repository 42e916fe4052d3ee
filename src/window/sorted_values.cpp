// The counted B+ tree of a window's values: descent, splitting, merging, and the nodes in reserve.
#include "window/sorted_values.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <memory>
#include <numeric>

namespace windowd::window {
namespace {

// Leaves are wide enough to make the tree shallow, and narrow enough to move half of one in 10 ns.
constexpr std::size_t leaf_capacity = 128;
constexpr std::size_t inner_capacity = 64;

// Below half by an eighth, and merging leaves as much room: a node that was just split or merged is neither
// full nor minimal, so values that come and go at the brink do not split and merge it in turn.
constexpr std::size_t least(std::size_t capacity)
{
    return capacity / 2 - capacity / 16;
}
constexpr std::size_t most_after_merging(std::size_t capacity)
{
    return capacity - capacity / 16;
}
constexpr auto least_in_leaf = least(leaf_capacity);
constexpr auto least_in_inner = least(inner_capacity);

// The least tree of height 7 has 2 * 28^6 * 56 values: too many.
constexpr unsigned max_height = 6;

/// The number of keys that are less than `key`. Without branches: which way it goes is not to be foreseen.
std::size_t count_less(ordered_value const* keys, std::size_t count, ordered_value key) noexcept
{
    assert(count > 0);
    auto const* from = keys;
    while (count > 1) {
        auto const half = count / 2;
        from += half & (0 - static_cast<std::size_t>(from[half - 1] < key));
        count -= half;
    }
    return static_cast<std::size_t>(from - keys) + static_cast<std::size_t>(*from < key);
}

template <class Array>
void open_gap(Array& array, std::size_t at, std::size_t used) noexcept
{
    std::copy_backward(array.begin() + at, array.begin() + used, array.begin() + used + 1);
}

template <class Array>
void close_gap(Array& array, std::size_t at, std::size_t used) noexcept
{
    std::copy(array.begin() + at + 1, array.begin() + used, array.begin() + at);
}

/// Moves elements over the border of two arrays that together are one sequence, so that the left one has
/// `target` of them.
template <class Array>
void shift(Array& left, std::size_t in_left, Array& right, std::size_t in_right, std::size_t target) noexcept
{
    if (target > in_left) {
        auto const moved = target - in_left;
        std::copy_n(right.begin(), moved, left.begin() + in_left);
        std::copy(right.begin() + moved, right.begin() + in_right, right.begin());
    } else {
        std::copy_backward(right.begin(), right.begin() + in_right,
                           right.begin() + in_right + in_left - target);
        std::copy(left.begin() + target, left.begin() + in_left, right.begin());
    }
}

} // namespace

struct sorted_values::node {};

// What of the arrays is not in use is never read.
// NOLINTBEGIN(cppcoreguidelines-pro-type-member-init)

struct sorted_values::leaf : node {
    std::array<ordered_value, leaf_capacity> keys;
    leaf* next_spare;
};

struct sorted_values::inner : node {
    std::size_t used;
    std::array<ordered_value, inner_capacity> keys;
    std::array<std::uint32_t, inner_capacity> counts;
    std::array<node*, inner_capacity> children;
    inner* next_spare;
};

// NOLINTEND(cppcoreguidelines-pro-type-member-init)

struct sorted_values::nodes {
    std::size_t leaves = 0;
    std::size_t inner = 0;
};

struct sorted_values::place {
    leaf const& values;
    std::size_t index;
    std::size_t count;
};

template <class Node>
void sorted_values::pool<Node>::add()
{
    give_back(std::make_unique_for_overwrite<Node>().release());
    ++owned;
}

template <class Node>
void sorted_values::pool<Node>::remove() noexcept
{
    --owned;
    std::default_delete<Node>()(take());
}

template <class Node>
Node* sorted_values::pool<Node>::take() noexcept
{
    assert(spares != nullptr);
    return std::exchange(spares, spares->next_spare);
}

template <class Node>
void sorted_values::pool<Node>::give_back(Node* unused) noexcept
{
    unused->next_spare = spares;
    spares = unused;
}

template <class Node>
void sorted_values::pool<Node>::swap(pool& other) noexcept
{
    std::swap(spares, other.spares);
    std::swap(owned, other.owned);
}

// Which of the two a node is follows from its level.
// NOLINTBEGIN(cppcoreguidelines-pro-type-static-cast-downcast)

inline sorted_values::leaf& sorted_values::as_leaf(node* any) noexcept
{
    return *static_cast<leaf*>(any);
}

inline sorted_values::inner& sorted_values::as_inner(node* any) noexcept
{
    return *static_cast<inner*>(any);
}

// NOLINTEND(cppcoreguidelines-pro-type-static-cast-downcast)

/// The number of values, or of children, that a child has, which is at `level`.
inline std::size_t sorted_values::used(inner const& parent, std::size_t slot, unsigned level) noexcept
{
    return level == 0 ? parent.counts[slot] : as_inner(parent.children[slot]).used;
}

/// Asks for the whole leaf at once, where a search would wait for one cache line after the other: twice as
/// long, in a tree of a million values. In a small tree, which is in the cache, it does not pay.
inline void sorted_values::prefetch(leaf const& values, std::size_t count) noexcept
{
    constexpr std::size_t keys_in_line = 8;
    for (std::size_t i = 0; i < count; i += keys_in_line)
        __builtin_prefetch(&values.keys[i]);
}

sorted_values::~sorted_values()
{
    if (root_ != nullptr)
        release(root_, height_);
    while (leaves_.owned > 0)
        leaves_.remove();
    while (inner_.owned > 0)
        inner_.remove();
}

void sorted_values::swap(sorted_values& other) noexcept
{
    std::swap(root_, other.root_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(height_, other.height_);
    leaves_.swap(other.leaves_);
    inner_.swap(other.inner_);
}

void sorted_values::insert(double value)
{
    assert(std::isfinite(value) && size_ < max_size);
    prepare_insert();
    auto const key = to_ordered(value);
    auto const root_is_full = height_ == 0 ? size_ == leaf_capacity : as_inner(root_).used == inner_capacity;
    if (root_is_full)
        raise_root();

    auto* at = root_;
    auto count = size_;
    for (auto level = height_; level-- > 0;) {
        auto& parent = as_inner(at);
        auto slot = std::min(count_less(parent.keys.data(), parent.used, key), parent.used - 1);
        if (used(parent, slot, level) == (level == 0 ? leaf_capacity : inner_capacity)) {
            split(parent, slot, level);
            slot += static_cast<std::size_t>(parent.keys[slot] < key);
        }
        parent.keys[slot] = std::max(parent.keys[slot], key);
        count = parent.counts[slot]++;
        at = parent.children[slot];
        if (level == 0 && height_ > 1)
            prefetch(as_leaf(at), count);
    }

    auto& keys = as_leaf(at).keys;
    auto const index = count == 0 ? 0 : count_less(keys.data(), count, key);
    open_gap(keys, index, count);
    keys[index] = key;
    ++size_;
}

void sorted_values::erase(double value) noexcept
{
    assert(!empty());
    struct step {
        inner* parent;
        std::size_t slot;
    };
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): read as far as it was written
    std::array<step, max_height> path;
    auto const key = to_ordered(value);

    auto* at = root_;
    auto count = size_;
    for (auto level = height_; level-- > 0;) {
        auto& parent = as_inner(at);
        auto slot = count_less(parent.keys.data(), parent.used, key);
        assert(slot < parent.used);
        if (used(parent, slot, level) <= (level == 0 ? least_in_leaf : least_in_inner)) {
            fill_up(parent, slot, level);
            if (parent.used == 1) {
                lower_root();
                at = root_;
                continue;
            }
            slot = count_less(parent.keys.data(), parent.used, key);
        }
        path[level] = {&parent, slot};
        count = parent.counts[slot]--;
        at = parent.children[slot];
        if (level == 0 && height_ > 1)
            prefetch(as_leaf(at), count);
    }

    auto& keys = as_leaf(at).keys;
    auto const index = count_less(keys.data(), count, key);
    assert(index < count && keys[index] == key);
    close_gap(keys, index, count);
    if (index + 1 == count) {
        for (unsigned level = 0; level < height_; ++level) {
            auto const [parent, slot] = path[level];
            parent->keys[slot] = keys[index - 1]; // there is one: only a root has less than 56
            if (slot + 1 != parent->used)
                break;
        }
    }
    --size_;
    if (size_ + 2 * least_in_leaf < capacity_ && leaves_.owned > 1)
        shrink();
}

double sorted_values::operator[](std::size_t rank) const noexcept
{
    auto const [values, index, count] = find(rank);
    return from_ordered(values.keys[index]);
}

std::pair<double, double> sorted_values::neighbours(std::size_t rank) const noexcept
{
    auto const [values, index, count] = find(rank);
    auto const lower = from_ordered(values.keys[index]);
    if (index + 1 < count)
        return {lower, from_ordered(values.keys[index + 1])};
    return {lower, rank + 1 < size_ ? (*this)[rank + 1] : lower};
}

sorted_values::place sorted_values::find(std::size_t rank) const noexcept
{
    assert(rank < size_);
    auto* at = root_;
    auto count = size_;
    for (auto level = height_; level > 0; --level) {
        auto const& parent = as_inner(at);
        // From the end that is nearer: extreme percentiles, which are asked for most, take a few steps.
        auto slot = std::size_t{0};
        if (rank < count / 2) {
            while (rank >= parent.counts[slot])
                rank -= parent.counts[slot++];
            count = parent.counts[slot];
        } else {
            slot = parent.used - 1;
            auto rest = count - rank; // from the value to the end of the child
            while (rest > parent.counts[slot])
                rest -= parent.counts[slot--];
            count = parent.counts[slot];
            rank = count - rest;
        }
        at = parent.children[slot];
    }
    return {as_leaf(at), rank, count};
}

/// The number of inner nodes in the worst tree with that many leaves.
std::size_t sorted_values::worst_inner_nodes(std::size_t leaves) noexcept
{
    std::size_t total = 0;
    for (auto below = leaves; below > 1;) {
        below = std::max(below / least_in_inner, std::size_t{1});
        total += below;
    }
    return total;
}

/// Makes room for another 56 values. A failure leaves no more than some spare inner nodes behind, which serve
/// when it is tried again.
void sorted_values::grow()
{
    auto const leaves = leaves_.owned + 1;
    while (inner_.owned < worst_inner_nodes(leaves))
        inner_.add();
    leaves_.add();
    capacity_ = least_in_leaf * (leaves + 1) - 1;
    if (root_ == nullptr)
        root_ = leaves_.take();
}

void sorted_values::shrink() noexcept
{
    leaves_.remove();
    while (inner_.owned > worst_inner_nodes(leaves_.owned))
        inner_.remove();
    capacity_ -= least_in_leaf;
}

void sorted_values::raise_root() noexcept
{
    auto* const root = inner_.take();
    root->used = 1;
    root->keys[0] = height_ == 0 ? as_leaf(root_).keys[size_ - 1] : as_inner(root_).keys[inner_capacity - 1];
    root->counts[0] = static_cast<std::uint32_t>(size_);
    root->children[0] = root_;
    root_ = root;
    split(*root, 0, height_++);
}

/// Takes away a root that has a single child.
void sorted_values::lower_root() noexcept
{
    auto& root = as_inner(root_);
    root_ = root.children[0];
    inner_.give_back(&root);
    --height_;
}

/// Splits a child, which is full and at `level`, in the middle. The parent must have room.
void sorted_values::split(inner& parent, std::size_t slot, unsigned level) noexcept
{
    open_gap(parent.keys, slot, parent.used);
    open_gap(parent.counts, slot + 1, parent.used);
    open_gap(parent.children, slot + 1, parent.used);
    ++parent.used;
    parent.counts[slot + 1] = 0;
    if (level == 0) {
        parent.children[slot + 1] = leaves_.take();
        move_border(parent, slot, leaf_capacity / 2, level);
    } else {
        auto* const right = inner_.take();
        right->used = 0;
        parent.children[slot + 1] = right;
        move_border(parent, slot, inner_capacity / 2, level);
    }
}

/// Gives a child, which is minimal and at `level`, half of what it and its neighbour have; or all, and the
/// parent is left with a child less.
void sorted_values::fill_up(inner& parent, std::size_t slot, unsigned level) noexcept
{
    auto const left = slot + 1 < parent.used ? slot : slot - 1;
    auto const capacity = level == 0 ? leaf_capacity : inner_capacity;
    auto const together = used(parent, left, level) + used(parent, left + 1, level);
    if (together > most_after_merging(capacity)) {
        move_border(parent, left, together / 2, level);
        return;
    }
    move_border(parent, left, together, level);
    auto* const unused = parent.children[left + 1];
    if (level == 0)
        leaves_.give_back(&as_leaf(unused));
    else
        inner_.give_back(&as_inner(unused));
    close_gap(parent.keys, left + 1, parent.used);
    close_gap(parent.counts, left + 1, parent.used);
    close_gap(parent.children, left + 1, parent.used);
    --parent.used;
}

/// Moves the border between two children, which are at `level`, so that the left one has `target` values or
/// children.
void sorted_values::move_border(inner& parent, std::size_t left, std::size_t target, unsigned level) noexcept
{
    auto const both = parent.counts[left] + parent.counts[left + 1];
    if (level == 0) {
        auto& a = as_leaf(parent.children[left]);
        auto& b = as_leaf(parent.children[left + 1]);
        shift(a.keys, parent.counts[left], b.keys, parent.counts[left + 1], target);
        parent.counts[left] = static_cast<std::uint32_t>(target);
        parent.keys[left] = a.keys[target - 1];
    } else {
        auto& a = as_inner(parent.children[left]);
        auto& b = as_inner(parent.children[left + 1]);
        shift(a.keys, a.used, b.keys, b.used, target);
        shift(a.counts, a.used, b.counts, b.used, target);
        shift(a.children, a.used, b.children, b.used, target);
        b.used = a.used + b.used - target;
        a.used = target;
        parent.counts[left] = std::accumulate(a.counts.begin(), a.counts.begin() + target, std::uint32_t{0});
        parent.keys[left] = a.keys[target - 1];
    }
    parent.counts[left + 1] = both - parent.counts[left];
}

/// Gives a tree of nodes back to the pools.
void sorted_values::release(node* any, unsigned level) noexcept // NOLINT(misc-no-recursion): six levels deep
{
    if (level == 0) {
        leaves_.give_back(&as_leaf(any));
        return;
    }
    auto& parent = as_inner(any);
    for (std::size_t slot = 0; slot < parent.used; ++slot)
        release(parent.children[slot], level - 1);
    inner_.give_back(&parent);
}

ordered_value sorted_values::least_key(node* any, unsigned level) noexcept
{
    for (; level > 0; --level)
        any = as_inner(any).children[0];
    return as_leaf(any).keys[0];
}

bool sorted_values::invariant() const noexcept
{
    if (root_ == nullptr)
        return size_ == 0 && capacity_ == 0 && height_ == 0 && leaves_.owned == 0 && inner_.owned == 0;
    auto census = nodes{};
    auto const root_is_sound = height_ == 0 ? size_ <= leaf_capacity : as_inner(root_).used >= 2;
    if (!root_is_sound || !invariant(root_, height_, size_, census))
        return false;
    auto const spares = [](auto const* spare) {
        auto count = std::size_t{0};
        for (; spare != nullptr; spare = spare->next_spare)
            ++count;
        return count;
    };
    return census.leaves + spares(leaves_.spares) == leaves_.owned &&
           census.inner + spares(inner_.spares) == inner_.owned &&
           inner_.owned == worst_inner_nodes(leaves_.owned) &&
           leaves_.owned >= std::max(size_ / least_in_leaf, std::size_t{1}) &&
           capacity_ == least_in_leaf * (leaves_.owned + 1) - 1 && size_ <= capacity_;
}

/// Whether a node at `level` is sound and has that many values; counts the nodes.
// NOLINTNEXTLINE(misc-no-recursion): six levels deep
bool sorted_values::invariant(node* any, unsigned level, std::size_t count, nodes& census) const noexcept
{
    if (level == 0) {
        auto const& keys = as_leaf(any).keys;
        ++census.leaves;
        return (any == root_ || count >= least_in_leaf) && count <= leaf_capacity &&
               std::is_sorted(keys.begin(), keys.begin() + count);
    }
    ++census.inner;
    auto const& parent = as_inner(any);
    auto const used = parent.used;
    if ((any != root_ && used < least_in_inner) || used > inner_capacity ||
        !std::is_sorted(parent.keys.begin(), parent.keys.begin() + used) ||
        std::accumulate(parent.counts.begin(), parent.counts.begin() + used, std::size_t{0}) != count)
        return false;
    for (std::size_t slot = 0; slot < used; ++slot) {
        auto* const child = parent.children[slot];
        if (!invariant(child, level - 1, parent.counts[slot], census))
            return false;
        auto const greatest = level == 1 ? as_leaf(child).keys[parent.counts[slot] - 1]
                                         : as_inner(child).keys[as_inner(child).used - 1];
        auto const least = least_key(child, level - 1);
        if (parent.keys[slot] != greatest || (slot > 0 && least < parent.keys[slot - 1]))
            return false;
    }
    return true;
}

} // namespace windowd::window
