//! Ranges of whole numbers, and what arithmetic makes of them.
//!
//! Integers are read as signed. Where the exact result of an operation might not
//! fit in its type, it may wrap around, and nothing is known of it.

/// Whole numbers from `least` to `most`, both among them; none at all where
/// `least` is the larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    least: i128,
    most: i128,
}

impl Interval {
    /// No number: what nobody has written yet.
    pub const NONE: Self = Self { least: 1, most: 0 };

    /// The numbers between two, both among them.
    pub const fn new(least: i128, most: i128) -> Self {
        Self { least, most }
    }

    /// One number.
    pub const fn one(value: i128) -> Self {
        Self::new(value, value)
    }

    /// What an integer of so many bits (1 to 64) can be.
    pub const fn of_bits(bits: u32) -> Self {
        let half = 1_i128 << (bits - 1);
        Self::new(-half, half - 1)
    }

    /// The least of the numbers; meaningless if there are none.
    pub const fn least(self) -> i128 {
        self.least
    }

    /// The largest of the numbers; meaningless if there are none.
    pub const fn most(self) -> i128 {
        self.most
    }

    /// Whether there is no number.
    pub const fn is_none(self) -> bool {
        self.least > self.most
    }

    /// Whether no number is negative.
    pub const fn is_natural(self) -> bool {
        self.is_none() || self.least >= 0
    }

    /// Whether all numbers are among those of `other`.
    pub const fn is_within(self, other: Self) -> bool {
        self.is_none() || self.least >= other.least && self.most <= other.most
    }

    /// Whether an integer of so many bits can be each of the numbers.
    pub const fn fits(self, bits: u32) -> bool {
        self.is_within(Self::of_bits(bits))
    }

    /// The numbers of both, and what lies between them.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        match (self.is_none(), other.is_none()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self::new(self.least.min(other.least), self.most.max(other.most)),
        }
    }

    /// The sum of a number of `self` and at most `count` numbers of `added`;
    /// `None` if that is beyond all types.
    pub fn plus_up_to(self, count: u64, added: Self) -> Option<Self> {
        if self.is_none() || added.is_none() {
            return Some(self);
        }
        let count = i128::from(count);
        let least = added.least.min(0).checked_mul(count)?;
        let most = added.most.max(0).checked_mul(count)?;
        Some(Self::new(
            self.least.checked_add(least)?,
            self.most.checked_add(most)?,
        ))
    }

    /// The largest size of a number, whatever its sign.
    fn size(self) -> i128 {
        self.least.abs().max(self.most.abs())
    }

    /// Integers of the fewest bits that can be each of the numbers.
    fn of_same_bits(self) -> Self {
        let bits = (1..=64).find(|bits| self.fits(*bits));
        Self::of_bits(bits.unwrap_or(64))
    }

    /// The smallest interval with all of `values`.
    fn around(values: impl IntoIterator<Item = i128>) -> Self {
        let each = values.into_iter().map(Self::one);
        each.fold(Self::NONE, Self::join)
    }

    /// What the operation `arith.NAME` or `math.NAME` makes of two numbers, exactly;
    /// `None` if it is not known, or undefined for some of them. What is read as
    /// unsigned is known where it is not negative.
    pub fn of_operation(name: &str, a: Self, b: Self) -> Option<Self> {
        if a.is_none() || b.is_none() {
            return Some(Self::NONE);
        }
        let natural = a.is_natural() && b.is_natural();
        let divides = b.least > 0 || b.most < 0;
        // Wider shifts than i64 has bits are undefined.
        let shifts = b.is_within(Self::new(0, 63));
        let ends = |of: fn(i128, i128) -> i128| {
            let pairs = [a.least, a.most]
                .into_iter()
                .flat_map(|a| [b.least, b.most].map(|b| (a, b)));
            Self::around(pairs.map(|(a, b)| of(a, b)))
        };
        Some(match name {
            "addi" => ends(|a, b| a + b),
            "subi" => ends(|a, b| a - b),
            "muli" => ends(|a, b| a * b),
            "minsi" => Self::new(a.least.min(b.least), a.most.min(b.most)),
            "maxsi" => Self::new(a.least.max(b.least), a.most.max(b.most)),
            "minui" if natural => Self::new(a.least.min(b.least), a.most.min(b.most)),
            "maxui" if natural => Self::new(a.least.max(b.least), a.most.max(b.most)),
            "divsi" | "floordivsi" | "ceildivsi" if divides => {
                if a.is_natural() && b.is_natural() {
                    Self::new(0, a.most)
                } else {
                    Self::new(-a.size(), a.size())
                }
            }
            "divui" if divides && natural => Self::new(0, a.most),
            "remsi" if divides => {
                let most = (b.size() - 1).min(a.size());
                let least = if a.is_natural() { 0 } else { -most };
                Self::new(least, if a.most <= 0 { 0 } else { most })
            }
            "remui" if divides && natural => Self::new(0, (b.most - 1).min(a.most)),
            // Of one that is not negative no bit is set that it has not.
            "andi" if natural => Self::new(0, a.most.min(b.most)),
            "andi" if a.is_natural() => Self::new(0, a.most),
            "andi" if b.is_natural() => Self::new(0, b.most),
            "andi" | "ori" | "xori" => a.of_same_bits().join(b.of_same_bits()),
            "shli" if shifts => ends(|a, b| a << b),
            "shrsi" if shifts => ends(|a, b| a >> b),
            "shrui" if shifts && natural => ends(|a, b| a >> b),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPERATIONS: [&str; 18] = [
        "addi",
        "subi",
        "muli",
        "minsi",
        "maxsi",
        "minui",
        "maxui",
        "divsi",
        "floordivsi",
        "ceildivsi",
        "divui",
        "remsi",
        "remui",
        "andi",
        "ori",
        "xori",
        "shli",
        "shrsi",
    ];

    /// What the operation makes of two numbers; `None` where it is undefined or
    /// wraps around.
    fn exactly(name: &str, a: i64, b: i64) -> Option<i128> {
        let (x, y) = (i128::from(a), i128::from(b));
        let shift = u32::try_from(b).ok().filter(|shift| *shift < 64);
        Some(match name {
            "addi" => x + y,
            "subi" => x - y,
            "muli" => x * y,
            "minsi" => x.min(y),
            "maxsi" => x.max(y),
            "minui" => i128::from((a as u64).min(b as u64) as i64),
            "maxui" => i128::from((a as u64).max(b as u64) as i64),
            "divsi" => x.checked_div(y)?,
            "floordivsi" => {
                let quotient = x.checked_div(y)?;
                quotient - i128::from(x % y != 0 && (x < 0) != (y < 0))
            }
            "ceildivsi" => {
                let quotient = x.checked_div(y)?;
                quotient + i128::from(x % y != 0 && (x < 0) == (y < 0))
            }
            "divui" => i128::from((a as u64).checked_div(b as u64)? as i64),
            "remsi" => x.checked_rem(y)?,
            "remui" => i128::from((a as u64).checked_rem(b as u64)? as i64),
            "andi" => i128::from(a & b),
            "ori" => i128::from(a | b),
            "xori" => i128::from(a ^ b),
            "shli" => x << shift?,
            "shrsi" => x >> shift?,
            _ => unreachable!("{name} is not known to the test"),
        })
    }

    /// Two bounds and two numbers between them.
    fn bounded() -> impl Strategy<Value = (Interval, i64)> {
        let end = prop_oneof![
            3 => -70..70_i64,
            1 => any::<i32>().prop_map(i64::from),
            1 => any::<i64>(),
        ];
        (end.clone(), end).prop_flat_map(|(a, b)| {
            let (least, most) = (a.min(b), a.max(b));
            let range = Interval::new(i128::from(least), i128::from(most));
            (Just(range), least..=most)
        })
    }

    proptest! {
        #[test]
        fn no_result_lies_outside(
            name in prop::sample::select(&OPERATIONS[..]),
            (a, x) in bounded(),
            (b, y) in bounded(),
        ) {
            if let (Some(range), Some(result)) =
                (Interval::of_operation(name, a, b), exactly(name, x, y))
            {
                prop_assert!(
                    Interval::one(result).is_within(range),
                    "{name} of {x} of {a:?} and {y} of {b:?} is {result}, not in {range:?}"
                );
            }
        }

        /// What this is all for: an operation on i32 gives what it gives on i64.
        #[test]
        fn what_fits_is_the_same_in_32_bits(
            name in prop::sample::select(&OPERATIONS[..]),
            (a, x) in bounded(),
            (b, y) in bounded(),
        ) {
            let Some(range) = Interval::of_operation(name, a, b) else { return Ok(()) };
            let shift_fits = name != "shli" && name != "shrsi" || b.is_within(Interval::new(0, 31));
            if a.fits(32) && b.fits(32) && range.fits(32) && shift_fits {
                let wide = exactly(name, x, y);
                let (x, y) = (x as i32, y as i32);
                let narrow = match name {
                    "addi" => Some(x.wrapping_add(y)),
                    "subi" => Some(x.wrapping_sub(y)),
                    "muli" => Some(x.wrapping_mul(y)),
                    "minui" => Some((x as u32).min(y as u32) as i32),
                    "maxui" => Some((x as u32).max(y as u32) as i32),
                    "divui" => (x as u32).checked_div(y as u32).map(|each| each as i32),
                    "remui" => (x as u32).checked_rem(y as u32).map(|each| each as i32),
                    "shli" => Some(x.wrapping_shl(y as u32)),
                    "shrsi" => Some(x.wrapping_shr(y as u32)),
                    _ => exactly(name, i64::from(x), i64::from(y)).map(|each| each as i32),
                };
                prop_assert_eq!(narrow.map(i128::from), wide);
            }
        }

        #[test]
        fn a_sum_of_some_lies_within(start in -9..9_i64, added in prop::collection::vec(-9..9_i64, 0..9)) {
            let each = Interval::around(added.iter().map(|each| i128::from(*each)));
            let most = added.len() as u64 + 2;
            let range = Interval::one(i128::from(start)).plus_up_to(most, each).unwrap();
            for length in 0..=added.len() {
                let sum = start + added[..length].iter().sum::<i64>();
                prop_assert!(Interval::one(i128::from(sum)).is_within(range));
            }
        }
    }

    #[test]
    fn the_last_that_fits_and_the_first_that_does_not() {
        assert!(Interval::new(-(1 << 31), (1 << 31) - 1).fits(32));
        assert!(!Interval::one(1 << 31).fits(32));
        assert!(!Interval::one(-(1 << 31) - 1).fits(32));
        let least = Interval::one(-(1 << 31));
        let quotient = Interval::of_operation("divsi", least, Interval::one(-1)).unwrap();
        assert!(!quotient.fits(32), "2^31 is no i32");
        assert!(Interval::NONE.fits(32));
        assert_eq!(Interval::NONE.join(least), least);
    }

    #[test]
    fn nothing_is_known_of_what_is_undefined() {
        let (some, zero) = (Interval::new(-5, 5), Interval::new(0, 3));
        for name in [
            "divsi",
            "remsi",
            "divui",
            "remui",
            "floordivsi",
            "ceildivsi",
        ] {
            assert_eq!(Interval::of_operation(name, some, zero), None, "{name}");
        }
        assert_eq!(
            Interval::of_operation("shli", some, Interval::one(64)),
            None
        );
        assert_eq!(Interval::of_operation("unheard_of", some, some), None);
        let huge = Interval::of_bits(64);
        let sum = huge.plus_up_to(u64::MAX, huge);
        assert!(sum.is_none_or(|range| !range.is_within(huge)));
    }
}
