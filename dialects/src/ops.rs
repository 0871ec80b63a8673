//! Typed views of the operations that specplace touches, one file per dialect: an
//! operation that was seen to be of its kind, with what it holds by name.
//!
//! A view is as small and as `Copy` as the [`crate::Op`] in it. What the verifier of
//! its dialect asks for is there in any module that was parsed; where it is asked for
//! it may be missing all the same, since a pass may have it in hand half made.

/// Declares the view of operations with one of these names.
macro_rules! view {
    ($(#[$doc:meta])* $view:ident: $($name:expr),+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $view<'m>(crate::ir::Op<'m>);

        impl<'m> $view<'m> {
            /// The operation, if it is such a one.
            pub fn of(op: crate::ir::Op<'m>) -> Option<Self> {
                ($(op.is($name))||+).then_some(Self(op))
            }

            /// The operation.
            pub fn op(self) -> crate::ir::Op<'m> {
                self.0
            }
        }
    };
}

pub mod arith;
pub mod flow;
pub mod func;
pub mod util;

pub use arith::Predicate;
pub use flow::{Parameter, Transfer};
pub use func::Call;
pub use util::{Global, GlobalAddress, GlobalLoad, GlobalStore, global_of};
