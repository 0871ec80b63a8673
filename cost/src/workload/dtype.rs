//! Element types, as far as costs and capabilities depend on them.

use crate::text::{Misnamed, WithHelp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

macro_rules! dtypes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// An element type. Signedness is left out: devices do not differ by it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the names are MLIR's own")]
        pub enum DType { $($(#[$doc])* $variant,)* }

        impl DType {
            /// Every type, widest first within floats, complex numbers and integers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// MLIR's name of the type.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

dtypes! {
    F64 = "f64";
    F32 = "f32";
    F16 = "f16";
    BF16 = "bf16";
    F8E4M3 = "f8E4M3";
    F8E5M2 = "f8E5M2";
    F4E2M1 = "f4E2M1";
    C128 = "complex<f64>";
    C64 = "complex<f32>";
    Index = "index";
    I64 = "i64";
    I32 = "i32";
    I16 = "i16";
    I8 = "i8";
    I4 = "i4";
    I2 = "i2";
    I1 = "i1";
}

impl DType {
    /// Whether it is a floating-point (or complex) type.
    pub fn is_float(self) -> bool {
        matches!(
            self,
            Self::F64
                | Self::F32
                | Self::F16
                | Self::BF16
                | Self::F8E4M3
                | Self::F8E5M2
                | Self::F4E2M1
                | Self::C128
                | Self::C64
        )
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DType {
    type Err = Misnamed;

    /// Accepts MLIR's names, signed and unsigned integers (`si64`, `ui8`), every
    /// `f8E4M3…`/`f8E5M2…` and the names people use (`int8`, `fp16`).
    ///
    /// # Errors
    /// [`Misnamed`] with a suggestion for any other text.
    fn from_str(text: &str) -> Result<Self, Misnamed> {
        let lower = text.trim().to_ascii_lowercase();
        let plain = lower
            .strip_prefix("uint")
            .or_else(|| lower.strip_prefix("int"))
            .or_else(|| lower.strip_prefix("si"))
            .or_else(|| lower.strip_prefix("ui"))
            .map(|bits| format!("i{bits}"))
            .or_else(|| lower.strip_prefix("fp").map(|bits| format!("f{bits}")))
            .unwrap_or_else(|| lower.clone());
        let known = match plain.as_str() {
            "bool" => Some(Self::I1),
            "complex64" => Some(Self::C64),
            "complex128" => Some(Self::C128),
            p if p.starts_with("f8e4m3") => Some(Self::F8E4M3),
            p if p.starts_with("f8e5m2") => Some(Self::F8E5M2),
            p if p.starts_with("f4e2m1") => Some(Self::F4E2M1),
            p => Self::ALL
                .iter()
                .copied()
                .find(|dtype| dtype.as_str().eq_ignore_ascii_case(p)),
        };
        known.ok_or_else(|| {
            Misnamed::new(
                text,
                "an element type",
                "types",
                Self::ALL.iter().map(|d| d.as_str()),
            )
        })
    }
}

impl Serialize for DType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = DType;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an element type such as f32")
            }
            // In the visitor, not around it, so that the YAML reader adds the place of this very
            // scalar.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<DType, E> {
                text.parse()
                    .map_err(|error: Misnamed| E::custom(WithHelp::new(&error, error.help())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for dtype in DType::ALL {
            assert_eq!(dtype.to_string().parse::<DType>().unwrap(), *dtype);
        }
    }

    #[test]
    fn people_names() {
        for (text, dtype) in [
            ("si64", DType::I64),
            ("ui8", DType::I8),
            ("int8", DType::I8),
            ("FP16", DType::F16),
            ("f8E4M3FNUZ", DType::F8E4M3),
        ] {
            assert_eq!(text.parse::<DType>().unwrap(), dtype);
        }
        let error = "f33".parse::<DType>().unwrap_err();
        assert!(
            error.help().unwrap().contains("did you mean `f32`"),
            "{:?}",
            error.help()
        );
    }
}
