//! Right checksums for whatever a file holds: the work of somebody who wants it to be believed.

use twox_hash::XxHash3_64;

pub(crate) const SLOTS: [usize; 2] = [0, 4096];

fn get<const N: usize>(image: &[u8], at: usize) -> Option<[u8; N]> {
    image.get(at..at + N)?.try_into().ok()
}

pub(crate) fn u16_at(image: &[u8], at: usize) -> Option<usize> {
    get(image, at).map(|bytes| usize::from(u16::from_le_bytes(bytes)))
}

pub(crate) fn u32_at(image: &[u8], at: usize) -> Option<usize> {
    get(image, at).map(|bytes| u32::from_le_bytes(bytes) as usize)
}

/// Writes the checksum of a slot.
pub(crate) fn seal_slot(slot: &mut [u8]) {
    let sum = XxHash3_64::oneshot(&slot[..504]);
    slot[504..512].copy_from_slice(&sum.to_le_bytes());
}

/// Writes the checksums of all groups of a journal or log.
pub(crate) fn seal_groups(image: &mut [u8], page_size: usize) {
    for start in (8192..image.len()).step_by(page_size) {
        if image[start] != 4 {
            continue;
        }
        let pages = u32_at(image, start + 28).unwrap_or(0).max(1);
        let end = start.saturating_add(pages.saturating_mul(page_size));
        let end = end.min(image.len());
        let sum = XxHash3_64::oneshot(&image[start + 48..end]);
        image[start + 32..start + 40].copy_from_slice(&sum.to_le_bytes());
        let sum = XxHash3_64::oneshot(&image[start..start + 40]);
        image[start + 40..start + 48].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Writes the checksums of everything that both slots lead to, as far as it leads anywhere, and those of the slots.
pub(crate) fn seal(image: &mut [u8], page_size: usize) {
    for slot in SLOTS {
        if image.len() < slot + 512 {
            continue;
        }
        let runs = usize::from(image[slot + 60]);
        if u16_at(image, slot + 62) != Some(0) {
            seal_entries(image, page_size, slot + 72 + 12 * runs, 0);
        }
        seal_run(image, page_size, slot + 32, 0);
        let mut sum = 0u64;
        for run in 0..runs.min(36) {
            let at = slot + 72 + 12 * run;
            let start = u32_at(image, at).unwrap_or(0).saturating_mul(page_size);
            let len = u32_at(image, at + 8).unwrap_or(0).saturating_mul(page_size);
            let pages = image
                .get(start..start.saturating_add(len))
                .unwrap_or_default();
            for page in pages.chunks(page_size) {
                let link = [sum, XxHash3_64::oneshot(page)].map(u64::to_le_bytes);
                sum = XxHash3_64::oneshot(link.as_flattened());
            }
        }
        image[slot + 64..slot + 72].copy_from_slice(&sum.to_le_bytes());
        seal_slot(&mut image[slot..slot + 512]);
    }
}

/// Seals what the reference at this place leads to.
fn seal_run(image: &mut [u8], page_size: usize, reference: usize, depth: usize) -> Option<()> {
    let page = u64::from_le_bytes(get(image, reference)?) as usize;
    let pages = u32_at(image, reference + 8)?;
    let start = page.checked_mul(page_size)?;
    let end = start.checked_add(pages.checked_mul(page_size)?)?;
    if pages == 0 || pages > 64 || end > image.len() || depth > 8 {
        return None;
    }
    // What the slots are part of changes when they are sealed.
    if start < SLOTS[1] + 512 {
        return None;
    }
    seal_entries(image, page_size, start, depth);
    let sum = XxHash3_64::oneshot(&image[start..end]);
    let place = image.get_mut(reference + 12..reference + 20)?;
    place.copy_from_slice(&sum.to_le_bytes());
    Some(())
}

/// Seals what the entries of the node at this place lead to.
fn seal_entries(image: &mut [u8], page_size: usize, node: usize, depth: usize) -> Option<()> {
    let kind = *image.get(node)?;
    if kind != 1 && kind != 2 {
        return None;
    }
    for i in 0..u32_at(image, node + 4)?.min(60) {
        let at = node + u32_at(image, node + 24 + i * 8)?;
        if kind == 2 {
            seal_run(image, page_size, at, depth + 1);
            continue;
        }
        let Some(key) = u16_at(image, at) else {
            continue;
        };
        match u16_at(image, at + 2) {
            Some(0xFFFF) => seal_run(image, page_size, at + 4 + key + 8, depth + 1),
            Some(0xFFFE) => seal_run(image, page_size, at + 4 + key, depth + 1),
            _ => None,
        };
    }
    Some(())
}
