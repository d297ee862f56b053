//! When the cycle collector runs.

use cinder_pyobj::Ctx;
use cinder_pyobj::heap::gc;

/// Serves a collection that allocation asked for.
pub(crate) fn requested(cx: &Ctx) {
    gc::poll(cx);
}
