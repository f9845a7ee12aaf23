//! How much memory the process has.

/// Resident memory in KiB; `None` where the system does not tell, or where it is not the program's own: a sanitizer keeps what was freed.
pub(crate) fn resident_kib() -> Option<u64> {
    if cfg!(sapwood_plain_memory) {
        return None;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
