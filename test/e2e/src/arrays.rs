//! NumPy files, as `iree-run-module` reads and writes them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Reads the integers of a `.npy` file, in order.
pub fn read_integers(path: &Path) -> Result<Vec<i64>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let array = npyz::NpyFile::new(&bytes[..])?;
    array
        .into_vec()
        .with_context(|| format!("{} holds no 64-bit integers", path.display()))
}

/// Reads the 32-bit floats of a `.npy` file, in order.
pub fn read_floats(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let array = npyz::NpyFile::new(&bytes[..])?;
    array
        .into_vec()
        .with_context(|| format!("{} holds no 32-bit floats", path.display()))
}

/// Writes integers as an array of the given shape. By hand: IREE's reader wants
/// the header just as NumPy prints it, and npyz prints `(1, 63, )`.
pub fn write_integers(path: &Path, shape: &[u64], values: &[i64]) -> Result<()> {
    let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut header = format!(
        "{{'descr': '<i8', 'fortran_order': False, 'shape': ({}{comma}), }}",
        sizes.join(", ")
    );
    // Magic, version and length take 10 bytes; the data is aligned to 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len())?.to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.npy");
        for (shape, values) in [(&[1, 3][..], &[7, -8, 9][..]), (&[], &[5]), (&[2], &[1, 2])] {
            write_integers(&path, shape, values)?;
            assert_eq!(read_integers(&path)?, values);
            assert_eq!(fs::read(&path)?.len() % 64, values.len() * 8 % 64);
        }
        assert!(read_floats(&path).is_err());
        Ok(())
    }
}
