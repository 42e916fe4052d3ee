// The numbers in a window in order of size: what the median and the percentiles are read from.
#pragma once

#include "window/total_order.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace windowd::window {

/// An ordered multiset of finite doubles in which the value of any rank is found at once: a B+ tree with
/// counts.
///
///               keys     greatest value below each child
///   inner node  counts   number of values below each child          up to 64 children, at least 28
///               children
///                 |
///   leaf        values, in order                                    up to 128 values, at least 56
///
/// Up to 128 values it is a sorted array, a single leaf; a million are four levels deep, of which all but the
/// leaves stay in the second cache. -0.0 comes before 0.0, and each is found and given back as such.
///
/// insert, erase, [] and neighbours take O(log size) in the worst case: one way down the tree, on which nodes
/// that are full are split before they are entered, and nodes that are nearly too empty are filled up or
/// merged, so that there is no way back up. No step touches more than a node and its neighbour on each level,
/// and before a node changes so again at least four of its values, or two of its children, come or go.
/// Measured on a million values: 0.2 us for a value in and one out, 0.4 us if they are random; the longest
/// step 2 us. clear() and destruction take time for each node: 0.7 ms for a million values.
///
/// Memory is taken as values arrive: it always suffices for the worst tree of that size, 20 bytes a value. So
/// whether an insertion succeeds is known before anything is changed, an insertion allocates a leaf and an
/// inner node a level at most, and at a constant size (give or take 56) nothing is allocated whatever values
/// come and go. It is given back as values leave, down to 1 KiB; clear() gives back all. Before the first
/// insertion it owns none.
///
/// Bayer and McCreight, "Organization and maintenance of large ordered indices" (1972); splitting and merging
/// on the way down after Guibas and Sedgewick, "A dichromatic framework for balanced trees" (1978).
class sorted_values {
public:
    /// At most this many values.
    static constexpr std::size_t max_size = 0x7fff'ffff;

    sorted_values() noexcept = default;
    sorted_values(sorted_values&& other) noexcept { swap(other); }
    sorted_values& operator=(sorted_values&& other) noexcept
    {
        sorted_values(std::move(other)).swap(*this);
        return *this;
    }
    ~sorted_values();

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    /// Takes the memory that the next insert needs, which then cannot fail, whatever is erased before it.
    /// Where memory runs out: std::bad_alloc, and nothing has changed.
    void prepare_insert()
    {
        if (size_ == capacity_)
            grow();
    }

    /// Takes in a finite value. Where memory runs out: std::bad_alloc, and nothing has changed.
    void insert(double value);

    /// Takes out one such value, which must be present, bit for bit.
    void erase(double value) noexcept;

    /// The value of that rank: 0 is the least; less than size().
    double operator[](std::size_t rank) const noexcept;

    /// The values of that rank and of the next, or the last twice. The rank is less than size().
    std::pair<double, double> neighbours(std::size_t rank) const noexcept;

    /// Empties it and releases its memory.
    void clear() noexcept { *this = {}; }

    void swap(sorted_values& other) noexcept;

    /// Whether all that is said about the members holds. For tests; takes time for each value.
    bool invariant() const noexcept;

private:
    struct node;
    struct leaf;
    struct inner;
    struct nodes;
    struct place;

    template <class Node>
    struct pool {
        void add();
        void remove() noexcept;
        Node* take() noexcept;
        void give_back(Node* unused) noexcept;
        void swap(pool& other) noexcept;

        Node* spares = nullptr;
        std::size_t owned = 0; // spares and those in the tree
    };

    static leaf& as_leaf(node* any) noexcept;
    static inner& as_inner(node* any) noexcept;
    static void prefetch(leaf const& values, std::size_t count) noexcept;
    static std::size_t used(inner const& parent, std::size_t slot, unsigned level) noexcept;
    static std::size_t worst_inner_nodes(std::size_t leaves) noexcept;

    void grow();
    void shrink() noexcept;
    void raise_root() noexcept;
    void lower_root() noexcept;
    void split(inner& parent, std::size_t slot, unsigned level) noexcept;
    void fill_up(inner& parent, std::size_t slot, unsigned level) noexcept;
    void move_border(inner& parent, std::size_t left, std::size_t target, unsigned level) noexcept;
    place find(std::size_t rank) const noexcept;
    void release(node* any, unsigned level) noexcept;
    bool invariant(node* any, unsigned level, std::size_t count, nodes& census) const noexcept;
    static ordered_value least_key(node* any, unsigned level) noexcept;

    // root_ is at level height_; leaves are at level 0. There is a root unless no leaf is owned. A root that
    // is an inner node has two children at least, every other node at least the number above.
    //
    //   leaves_.owned  at least size_ / 56, which is the number of leaves in the worst tree of size_ values,
    //                  and at least 1 once there was a value;
    //   inner_.owned   worst_inner_nodes(leaves_.owned);
    //   capacity_      up to this many values leaves_.owned suffices: 56 * (leaves_.owned + 1) - 1, or 0.
    node* root_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    unsigned height_ = 0;
    pool<leaf> leaves_;
    pool<inner> inner_;
};

} // namespace windowd::window
