//! Memory that MLIR's readers accept.

/// The alignment that any part of a module may ask of the memory it lies in.
const PAGE: usize = 4096;

#[derive(Clone)]
#[repr(C, align(4096))]
struct Page([u8; PAGE]);

/// Bytes that begin at a page, as bytecode wants it, and are followed by at
/// least one NUL, as text wants it.
pub(super) struct Pages {
    pages: Vec<Page>,
    length: usize,
}

impl Pages {
    /// A copy of `bytes`.
    pub(super) fn holding(bytes: &[u8]) -> Self {
        let mut pages = vec![Page([0; PAGE]); bytes.len() / PAGE + 1];
        for (page, chunk) in pages.iter_mut().zip(bytes.chunks(PAGE)) {
            page.0[..chunk.len()].copy_from_slice(chunk);
        }
        Self {
            pages,
            length: bytes.len(),
        }
    }

    /// Where they begin.
    pub(super) fn start(&self) -> *const u8 {
        self.pages.as_ptr().cast()
    }

    /// How many there are, without the NULs.
    pub(super) fn length(&self) -> usize {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_and_terminated() {
        for length in [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 250) as u8 + 1).collect();
            let pages = Pages::holding(&bytes);
            assert_eq!(pages.start() as usize % PAGE, 0);
            let held: Vec<u8> = pages.pages.iter().flat_map(|page| page.0).collect();
            assert_eq!(held[..length], bytes);
            assert_eq!(held[length], 0);
            assert_eq!(pages.length(), length);
        }
    }
}
