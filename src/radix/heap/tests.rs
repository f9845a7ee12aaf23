//! Blocks are given out once, come back, and their pages and regions go.

use std::sync::mpsc;
use std::thread;

use super::*;

const SMALL: Layout = Layout::new::<[u64; 5]>();
const LARGE: Layout = Layout::new::<[u64; 40]>();

fn write(block: NonNull<u8>, layout: Layout, canary: u64) {
    for word in 0..layout.size() / 8 {
        // SAFETY: within the block, which is the caller's.
        unsafe { block.cast::<u64>().add(word).write(canary) };
    }
}

fn assert(block: NonNull<u8>, layout: Layout, canary: u64) {
    for word in 0..layout.size() / 8 {
        // SAFETY: within the block, which was written whole.
        assert_eq!(unsafe { block.cast::<u64>().add(word).read() }, canary);
    }
}

/// A block that went to another thread.
struct Sent(NonNull<u8>, Layout, u64);

// SAFETY: only the receiver uses it.
unsafe impl Send for Sent {}

/// No two blocks overlap, whoever gives them back, and all memory goes back when no block is left.
#[test]
fn blocks_come_back_from_any_thread() {
    let mut heap = Heap::default();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (sender, receiver) = mpsc::sync_channel::<Sent>(1000);
            let thread = thread::spawn(move || {
                let mut held = Vec::new();
                for (turn, sent) in receiver.into_iter().enumerate() {
                    held.push(sent);
                    if turn % 3 != 0 {
                        let Sent(block, layout, canary) = held.swap_remove(turn % held.len());
                        assert(block, layout, canary);
                        // SAFETY: taken by the other thread with this layout, and not used any more.
                        unsafe { Heap::give(block, layout) };
                    }
                }
                held
            });
            (sender, thread)
        })
        .collect();
    for turn in 0..150_000u64 {
        let layout = if turn % 5 == 0 { LARGE } else { SMALL };
        let block = heap.take(layout);
        write(block, layout, turn);
        let to = &threads[turn as usize % threads.len()].0;
        to.send(Sent(block, layout, turn)).expect("it listens");
        if turn % 40_000 == 0 {
            heap.trim();
        }
    }
    let held: Vec<Sent> = threads
        .into_iter()
        .flat_map(|(sender, thread)| {
            drop(sender);
            thread.join().expect("no canary was hurt")
        })
        .collect();
    assert!(heap.regions() > 2);
    for Sent(block, layout, canary) in held {
        assert(block, layout, canary);
        // SAFETY: as above.
        unsafe { Heap::give(block, layout) };
    }
    heap.trim();
    // The pages that are being filled stay.
    assert!(heap.regions() <= 2, "{} regions are left", heap.regions());
}

/// Threads fill branches of one heap, while blocks of all of them come back, and are taken again; put together, no block overlaps another one, and all memory goes back when
/// no block is left.
#[test]
fn branches_are_put_together() {
    let mut heap = Heap::default();
    let early: Vec<_> = (0..1000u64)
        .map(|n| Sent(heap.take(SMALL), SMALL, n))
        .collect();
    for round in 0..3u64 {
        for Sent(block, layout, canary) in &early {
            write(*block, *layout, *canary);
        }
        let branches = RowMemory::divide(&mut heap, 3).into_iter().zip(1u64..);
        let filled: Vec<(RowMemory, Vec<Sent>)> = thread::scope(|scope| {
            let threads = branches.map(|(mut branch, number)| {
                scope.spawn(move || {
                    let mut held = Vec::new();
                    for turn in 0..30_000u64 {
                        let layout = if turn % 5 == 0 { LARGE } else { SMALL };
                        let block = branch.heap().take(layout);
                        let canary = turn * 8 + number * 2;
                        write(block, layout, canary);
                        held.push(Sent(block, layout, canary));
                        if turn % 3 == 0 {
                            let Sent(block, layout, canary) =
                                held.swap_remove((turn / 2) as usize % held.len());
                            assert(block, layout, canary);
                            // SAFETY: taken with this layout, and not used any more.
                            unsafe { Heap::give(block, layout) };
                        }
                    }
                    (branch, held)
                })
            });
            let threads: Vec<_> = threads.collect();
            let threads = threads.into_iter();
            threads
                .map(|thread| thread.join().expect("no canary was hurt"))
                .collect()
        });
        let (branches, held): (Vec<_>, Vec<_>) = filled.into_iter().unzip();
        RowMemory::join(branches, &mut heap);
        let mut held: Vec<Sent> = held.into_iter().flatten().collect();
        for turn in 0..10_000 {
            let (block, canary) = (heap.take(SMALL), turn * 8 + round % 2);
            write(block, SMALL, canary);
            held.push(Sent(block, SMALL, canary));
        }
        for Sent(block, layout, canary) in early.iter().chain(&held) {
            assert(*block, *layout, *canary);
        }
        for Sent(block, layout, _) in held {
            // SAFETY: as above.
            unsafe { Heap::give(block, layout) };
        }
        heap.trim();
        assert!(heap.regions() <= 3, "{} regions are left", heap.regions());
    }
    for Sent(block, layout, _) in early {
        // SAFETY: as above.
        unsafe { Heap::give(block, layout) };
    }
    heap.trim();
    assert!(heap.regions() <= 2, "{} regions are left", heap.regions());
}

/// Blocks outlive their heap, and their region goes with the last of them.
#[test]
fn blocks_outlive_the_heap() {
    let mut heap = Heap::default();
    let blocks: Vec<_> = (0..100_000u64).map(|n| (heap.take(SMALL), n)).collect();
    for &(block, canary) in &blocks {
        write(block, SMALL, canary);
    }
    let returned = Arc::clone(&heap.returned);
    assert!(Arc::strong_count(&returned) > 3);
    drop(heap);
    for (block, canary) in blocks {
        assert(block, SMALL, canary);
        // SAFETY: taken with this layout, and not used any more.
        unsafe { Heap::give(block, SMALL) };
    }
    assert_eq!(Arc::strong_count(&returned), 1, "a region is left");
}

/// What fits into a cache line lies in one, and every block is aligned for what it is for.
#[test]
fn small_blocks_lie_in_one_line() {
    let mut heap = Heap::default();
    for size in (8..=LARGEST).step_by(8) {
        for align in [8, 16, 32, 64] {
            let layout = Layout::from_size_align(size, align)
                .expect("valid")
                .pad_to_align();
            let first = heap.take(layout).addr().get();
            assert!(first.is_multiple_of(align));
            if layout.size() <= LINE {
                assert_eq!(first / LINE, (first + layout.size() - 1) / LINE);
            }
        }
    }
}
