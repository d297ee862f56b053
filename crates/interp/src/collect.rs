//! When the cycle collector runs.

use cinder_pyobj::Ctx;

/// Serves a collection that allocation asked for.
pub(crate) fn requested(cx: &Ctx) {
    let _ = cx;
}
