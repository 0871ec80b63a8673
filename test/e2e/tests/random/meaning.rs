//! What the operations of random modules compute.

use std::collections::HashMap;

/// The elements of a tensor, whatever its shape.
pub type Elements = [i64; 4];

/// What an operation computes.
pub enum Step {
    Elementwise(&'static str, String, String, String),
    /// The same elements, by another name.
    Same(String, String),
    /// Two elements of the second, from an offset, put into the third at
    /// another.
    Insert(String, String, String, usize, usize),
    Constant(String, Elements),
    /// The sum of elements of any tensors, as all elements of one.
    Sum(String, Vec<Element>),
    Loop {
        trips: usize,
        arguments: Vec<String>,
        initial: Vec<String>,
        body: Vec<Step>,
        yields: Vec<String>,
        results: Vec<String>,
    },
    /// The first side where the first element is below the limit.
    Choice {
        of: String,
        limit: i64,
        sides: Vec<(Vec<Step>, Vec<String>)>,
        results: Vec<String>,
    },
}

/// Computes `steps`, with the values that are known by name.
pub fn run(steps: &[Step], known: &mut HashMap<String, Elements>) {
    for step in steps {
        match step {
            Step::Elementwise(op, to, left, right) => {
                let (left, right) = (known[left], known[right]);
                let one = |at: usize| match *op {
                    "addi" => left[at].wrapping_add(right[at]),
                    "subi" => left[at].wrapping_sub(right[at]),
                    "muli" => left[at].wrapping_mul(right[at]),
                    "maxsi" => left[at].max(right[at]),
                    _ => left[at].min(right[at]),
                };
                known.insert(to.clone(), [one(0), one(1), one(2), one(3)]);
            }
            Step::Same(to, from) => {
                known.insert(to.clone(), known[from]);
            }
            Step::Insert(to, from, into, offset, at) => {
                let mut elements = known[into];
                elements[*at..at + 2].copy_from_slice(&known[from][*offset..offset + 2]);
                known.insert(to.clone(), elements);
            }
            Step::Constant(to, elements) => {
                known.insert(to.clone(), *elements);
            }
            Step::Sum(to, elements) => {
                let found = elements.iter().map(|element| {
                    let at = match &element.at {
                        At::Place(place) => *place,
                        At::Asked(of) => usize::try_from(known[of][0] & 3).unwrap_or_default(),
                    };
                    known[&element.of][at]
                });
                let sum = found.fold(0, i64::wrapping_add);
                known.insert(to.clone(), [sum; 4]);
            }
            Step::Loop {
                trips,
                arguments,
                initial,
                body,
                yields,
                results,
            } => {
                let mut carried: Vec<Elements> = initial.iter().map(|name| known[name]).collect();
                for _ in 0..*trips {
                    known.extend(arguments.iter().cloned().zip(carried));
                    run(body, known);
                    carried = yields.iter().map(|name| known[name]).collect();
                }
                known.extend(results.iter().cloned().zip(carried));
            }
            Step::Choice {
                of,
                limit,
                sides,
                results,
            } => {
                let (body, yields) = &sides[usize::from(known[of][0] >= *limit)];
                run(body, known);
                let yielded: Vec<Elements> = yields.iter().map(|name| known[name]).collect();
                known.extend(results.iter().cloned().zip(yielded));
            }
        }
    }
}

/// One element of a tensor.
pub struct Element {
    pub of: String,
    pub at: At,
}

/// Which element it is.
pub enum At {
    Place(usize),
    /// The one that the first element of this says, by its last two bits.
    Asked(String),
}
