//! `itertools`.

mod chain;
mod combinatoric;
mod counting;
mod filtering;
mod groupby;
mod slicing;
mod tee;
mod zipping;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// Iterators for counting, joining, filtering, grouping and combining, each of which does its work item by item.
#[pymodule(
    name = "itertools",
    classes(
        super::chain::Chain,
        super::chain::Cycle,
        super::combinatoric::Combinations,
        super::combinatoric::CombinationsWithReplacement,
        super::combinatoric::Permutations,
        super::combinatoric::Product,
        super::counting::Accumulate,
        super::counting::Count,
        super::counting::Repeat,
        super::counting::StarMap,
        super::filtering::Compress,
        super::filtering::DropWhile,
        super::filtering::FilterFalse,
        super::filtering::TakeWhile,
        super::groupby::GroupBy,
        super::groupby::Grouper,
        super::slicing::Batched,
        super::slicing::ISlice,
        super::slicing::Pairwise,
        super::tee::Tee,
        super::zipping::ZipLongest
    )
)]
pub(crate) mod itertools {
    use super::*;

    /// Returns a tuple of n independent iterators over one iterable.
    #[pyfunction(sig = "(iterable, n=2, /)")]
    fn tee(cx: &Ctx, iterable: &Obj, n: Option<&Obj>) -> PyResult {
        let n = n.map_or(Ok(2), |n| n.to_isize(cx))?;
        super::tee::split(cx, iterable, n)
    }
}

/// Every iterator here is its own iterator.
macro_rules! iterator {
    ($ty:ident) => {
        #[cinder_pyobj::native::pymethods(part = "iterator")]
        impl $ty {
            fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
                Ok(this.clone())
            }
        }
    };
}
pub(crate) use iterator;

use cinder_pyobj::types::iterators::no_keywords_for as no_keywords;

/// The two positional arguments of a constructor.
fn two<'a>(cx: &Ctx, args: cinder_pyobj::native::Args<'a>, name: &str) -> PyResult<(&'a Obj, &'a Obj)> {
    match args.pos() {
        [a, b] => Ok((a, b)),
        p => Err(cx.type_error(format!("{name} expected 2 arguments, got {}", p.len()))),
    }
}
