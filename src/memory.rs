//! What the system's allocator keeps between the passes over batches.

/// Blocks up to this size are kept for the next one that needs them, in place of going back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = 32 << 20;

/// Tells the allocator that large blocks come back at once: every pass over a batch needs the same ones, and pages that go
/// to the system and return are cleared each time. Called once, first of all. Elsewhere than on Linux with glibc it does
/// nothing.
pub fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: `mallopt` sets three numbers of the allocator; any value is allowed, at any time.
        #[allow(unsafe_code)]
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
            libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
            libc::mallopt(libc::M_TRIM_THRESHOLD, 16 * KEPT);
        }
    }
}
