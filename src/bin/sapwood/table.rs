//! Tables as all commands print them.

use comfy_table::{CellAlignment, Table, presets};

/// A table with this head; columns from `numbers` on are aligned to the right.
pub fn table<const N: usize>(head: [&str; N], numbers: usize) -> Table {
    let mut table = plain();
    table.set_header(head);
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A table with this head.
pub fn table_of(head: &[&str]) -> Table {
    let mut table = plain();
    table.set_header(head);
    table
}

/// A table of names and what they are.
pub fn facts<N: Into<String>>(facts: impl IntoIterator<Item = (N, String)>) -> Table {
    let mut table = plain();
    for (name, fact) in facts {
        table.add_row([name.into(), fact]);
    }
    table
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table
}
