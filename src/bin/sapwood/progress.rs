//! A bar on stderr for what takes long; on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// Of pages that are read.
pub fn pages() -> ProgressBar {
    styled(
        ProgressBar::no_length(),
        "{bar:32} {percent:>3} %  {human_pos} of {human_len} pages",
    )
}

/// Of bytes that are written, as far as it is known how many there will be.
pub fn bytes(len: Option<u64>) -> ProgressBar {
    match len {
        Some(len) => styled(
            ProgressBar::new(len),
            "{bar:32} {percent:>3} %  {binary_bytes_per_sec}",
        ),
        None => styled(
            ProgressBar::no_length(),
            "{spinner} {binary_bytes}, {binary_bytes_per_sec}",
        ),
    }
}

/// Of so many steps.
pub fn steps(len: Option<u64>, unit: &str) -> ProgressBar {
    match len {
        Some(len) => styled(
            ProgressBar::new(len),
            &format!("{{bar:32}} {{percent:>3}} %  {{human_pos}} {unit}"),
        ),
        None => styled(
            ProgressBar::no_length(),
            &format!("{{spinner}} {{human_pos}} {unit}"),
        ),
    }
}

/// A new bar shows itself on stderr, and not at all where that is no terminal.
fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Shows pages that were read, of so many.
pub fn show(bar: &ProgressBar) -> impl FnMut(u64, u64) + '_ {
    |done, pages| {
        // A bar takes a lock for each step.
        if done % 64 == 0 || done == pages {
            bar.set_length(pages);
            bar.set_position(done);
        }
    }
}
