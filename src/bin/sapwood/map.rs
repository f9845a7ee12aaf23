//! A picture of how the pages of a file are used.

/// How many characters a row has.
const COLUMNS: usize = 64;
/// How many rows there are at most.
const ROWS: usize = 32;

/// What a page is used for, in the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Use {
    /// Free, or kept for the state before.
    #[default]
    Free,
    Meta,
    Branch,
    Leaf,
    Value,
    Damaged,
}

impl Use {
    const ALL: [Self; 6] = [
        Self::Damaged,
        Self::Meta,
        Self::Branch,
        Self::Leaf,
        Self::Value,
        Self::Free,
    ];

    fn letter(self) -> char {
        match self {
            Self::Free => '.',
            Self::Meta => 'm',
            Self::Branch => 'B',
            Self::Leaf => 'l',
            Self::Value => 'v',
            Self::Damaged => '!',
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Free => "90",
            Self::Meta => "35",
            Self::Branch => "33",
            Self::Leaf => "32",
            Self::Value => "36",
            Self::Damaged => "1;31",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Meta => "meta",
            Self::Branch => "branch",
            Self::Leaf => "leaf",
            Self::Value => "value",
            Self::Damaged => "damaged",
        }
    }
}

/// What the pages of a file are used for.
pub struct Map {
    pages: Vec<Use>,
}

impl Map {
    pub fn new(pages: u64) -> Self {
        let pages = usize::try_from(pages).unwrap_or_default();
        Self {
            pages: vec![Use::Free; pages],
        }
    }

    pub fn set(&mut self, page: u64, pages: u64, used: Use) {
        let start = usize::try_from(page).unwrap_or(usize::MAX);
        let end = usize::try_from(page.saturating_add(pages)).unwrap_or(usize::MAX);
        let end = end.min(self.pages.len());
        for page in self.pages.get_mut(start..end).unwrap_or_default() {
            *page = used;
        }
    }

    /// How many pages are used for what, in the order of the picture's legend.
    pub fn counts(&self) -> Vec<(Use, u64)> {
        let count = |used| self.pages.iter().filter(|page| **page == used).count() as u64;
        Use::ALL.map(|used| (used, count(used))).into()
    }

    /// How many pages one character stands for.
    fn scale(&self) -> usize {
        self.pages.len().div_ceil(COLUMNS * ROWS).max(1)
    }

    /// The lines of the picture, and of its legend.
    pub fn lines(&self, colours: bool) -> Vec<String> {
        let scale = self.scale();
        let paint = |used: Use| {
            if colours {
                format!("\x1b[{}m{}\x1b[0m", used.colour(), used.letter())
            } else {
                used.letter().to_string()
            }
        };
        let width = self.pages.len().to_string().len();
        let cells: Vec<_> = self.pages.chunks(scale).map(summed).collect();
        let mut lines = Vec::new();
        for (row, cells) in cells.chunks(COLUMNS).enumerate() {
            let first = row * COLUMNS * scale;
            let cells: String = cells.iter().map(|used| paint(*used)).collect();
            lines.push(format!("{first:>width$} {cells}"));
        }
        let legend = Use::ALL.map(|used| format!("{} {}", paint(used), used.name()));
        let each = if scale == 1 {
            "each character is a page".to_owned()
        } else {
            format!("each character is {scale} pages, and shows what most of them are")
        };
        lines.push(format!("{}; {each}", legend.join(", ")));
        lines
    }
}

/// What most pages are used for; damage shows wherever there is some, and of two as frequent the first in the legend.
fn summed(pages: &[Use]) -> Use {
    if pages.contains(&Use::Damaged) {
        return Use::Damaged;
    }
    let count = |used: &Use| pages.iter().filter(|page| *page == used).count();
    let most = Use::ALL.iter().rev().max_by_key(|used| count(used));
    most.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Map, Use};

    /// The picture has a character for each page, or for several of which it shows the most frequent use; damage is always seen.
    #[test]
    fn pictures_show_what_most_pages_are() {
        let mut map = Map::new(5);
        map.set(0, 2, Use::Meta);
        map.set(3, 100, Use::Leaf);
        assert_eq!(map.lines(false)[0], "0 mm.ll");
        assert!(map.lines(true)[0].contains("\x1b[32ml"));
        let mut map = Map::new(64 * 32 * 3);
        map.set(0, 2, Use::Branch);
        map.set(3, 2, Use::Value);
        map.set(6, 1, Use::Value);
        map.set(9, 1, Use::Damaged);
        assert!(map.lines(false)[0].starts_with("   0 Bv.!..."));
        assert_eq!(map.lines(false).len(), 33);
        assert_eq!(map.counts()[0], (Use::Damaged, 1));
        map.set(u64::MAX, 2, Use::Leaf);
    }
}
