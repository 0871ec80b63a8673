//! Arrays of integers between us and iree-run-module: `.npy` files.

use std::fs;
use std::path::Path;

use diagnostics::{Diagnostic, Failure};

/// An array of integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integers {
    /// Its sizes.
    pub shape: Vec<u64>,
    /// Its elements, row by row.
    pub values: Vec<i64>,
}

/// Reads a `.npy` file of integers of any width; `None` if it holds anything
/// else, or a matrix by columns.
///
/// # Errors
///
/// A [`Failure`] of status 2 if it cannot be read, or is no such file.
pub fn read_integers(path: &Path) -> Result<Option<Integers>, Failure> {
    let shown = path.display();
    let bytes =
        fs::read(path).map_err(|error| Failure::io(format!("cannot read {shown}"), &error))?;
    parse(&bytes).map_err(|what| {
        Failure::usage(
            Diagnostic::error(format!("{shown} {what}"))
                .help("it is to be a NumPy file: numpy.save(\"tokens.npy\", tokens) writes one"),
        )
    })
}

fn parse(bytes: &[u8]) -> Result<Option<Integers>, &'static str> {
    let file = npyz::NpyFile::new(bytes).map_err(|_| "is no .npy file")?;
    let shape = file.shape().to_vec();
    let npyz::DType::Plain(r#type) = file.dtype() else {
        return Ok(None);
    };
    let cut = |_| "is cut off";
    // The order of columns matters only where there are some: there is no row then.
    let is_matrix = shape.iter().filter(|size| **size > 1).count() > 1;
    if file.order() == npyz::Order::Fortran && is_matrix {
        return Ok(None);
    }
    macro_rules! widened {
        ($kind:ty) => {
            file.into_vec::<$kind>()
                .map_err(cut)?
                .into_iter()
                .map(i64::from)
                .collect()
        };
    }
    let values: Vec<i64> = match (r#type.type_char(), r#type.size_field()) {
        (npyz::TypeChar::Int, 8) => widened!(i64),
        (npyz::TypeChar::Int, 4) => widened!(i32),
        (npyz::TypeChar::Int, 2) => widened!(i16),
        (npyz::TypeChar::Int, 1) => widened!(i8),
        (npyz::TypeChar::Uint, 4) => widened!(u32),
        (npyz::TypeChar::Uint, 2) => widened!(u16),
        (npyz::TypeChar::Uint, 1) => widened!(u8),
        _ => return Ok(None),
    };
    Ok(Some(Integers { shape, values }))
}

#[cfg(test)]
mod tests {
    use diagnostics::Status;

    use super::*;

    #[test]
    fn the_example_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/pair");
        let tokens = read_integers(&folder.join("pair_tokens.npy"))
            .unwrap()
            .unwrap();
        assert_eq!(tokens.shape, [1, 63]);
        assert_eq!(tokens.values[..3], [302, 82, 198]);
        let n = read_integers(&folder.join("pair_n.npy")).unwrap().unwrap();
        assert_eq!((n.shape.len(), n.values.as_slice()), (0, &[16][..]));
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        fs::write(&path, "no array").unwrap();
        let failure = read_integers(&path).unwrap_err();
        assert_eq!(failure.status, Status::Usage);
        assert!(failure.to_string().contains("is no .npy file"));
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
        let mut floats = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        floats.extend(format!("{header:<117}\n").bytes());
        floats.extend(1f32.to_le_bytes());
        fs::write(&path, floats).unwrap();
        assert_eq!(read_integers(&path).unwrap(), None);
    }
}
