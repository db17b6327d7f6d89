//! Counts what is allocated for the node that is measured, and not what is for its peers.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};

const PAGE: usize = 4096;
const KEYS: usize = 20_000;

/// Lengths of buffers for trains and super-packets. A node keeps 64 of each at most, and uses them for all peers.
const SHARED: [usize; 2] = [65_507, 65_536];

static COUNTS: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicI64 = AtomicI64::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is left to the system's allocator; counting touches no memory that is handed out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout, 1);
        // SAFETY: the caller keeps the promises that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout, -1);
        // SAFETY: the caller keeps the promises that the system's allocator asks for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count(layout: Layout, sign: i64) {
    if COUNTS.load(Ordering::Relaxed) && !SHARED.contains(&layout.size()) {
        BYTES.fetch_add(sign * layout.size() as i64, Ordering::Relaxed);
    }
}

/// Does something for the node that is measured.
pub fn counted<T>(action: impl FnOnce() -> T) -> T {
    COUNTS.store(true, Ordering::Relaxed);
    let result = action();
    COUNTS.store(false, Ordering::Relaxed);
    result
}

/// Bytes that were allocated while [`counted`], and not given back, without buffers that peers share.
pub fn bytes() -> i64 {
    BYTES.load(Ordering::Relaxed)
}

/// Bytes that a key takes where the allocator does not count, by the memory that the process grows for many.
pub fn of_a_cipher() -> usize {
    let key = |number: usize| {
        let key = UnboundKey::new(&AES_256_GCM, &[number as u8; 32]).expect("a key of 32 bytes");
        LessSafeKey::new(key)
    };
    let mut keys = Vec::with_capacity(KEYS);
    keys.resize_with(KEYS, || key(0));
    keys.clear();
    keys.shrink_to_fit();
    keys = Vec::with_capacity(KEYS);
    let before = resident();
    keys.extend((0..KEYS).map(key));
    resident().saturating_sub(before) / KEYS
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * PAGE
}
