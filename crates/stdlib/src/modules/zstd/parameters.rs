//! Parameters of compression and decompression.

use std::ffi::c_int;

use cinder_pyobj::heap::Gil;
use cinder_pyobj::native::FromObj;
use cinder_pyobj::types::{dict, int};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::ffi::{self, Outcome};
use super::raise;

pub(super) static CONSTANTS: &[(&str, i64)] = &[
    ("ZSTD_c_compressionLevel", 100),
    ("ZSTD_c_windowLog", 101),
    ("ZSTD_c_hashLog", 102),
    ("ZSTD_c_chainLog", 103),
    ("ZSTD_c_searchLog", 104),
    ("ZSTD_c_minMatch", 105),
    ("ZSTD_c_targetLength", 106),
    ("ZSTD_c_strategy", 107),
    ("ZSTD_c_enableLongDistanceMatching", 160),
    ("ZSTD_c_ldmHashLog", 161),
    ("ZSTD_c_ldmMinMatch", 162),
    ("ZSTD_c_ldmBucketSizeLog", 163),
    ("ZSTD_c_ldmHashRateLog", 164),
    ("ZSTD_c_contentSizeFlag", 200),
    ("ZSTD_c_checksumFlag", 201),
    ("ZSTD_c_dictIDFlag", 202),
    ("ZSTD_c_nbWorkers", 400),
    ("ZSTD_c_jobSize", 401),
    ("ZSTD_c_overlapLog", 402),
    ("ZSTD_d_windowLogMax", 100),
    ("ZSTD_fast", 1),
    ("ZSTD_dfast", 2),
    ("ZSTD_greedy", 3),
    ("ZSTD_lazy", 4),
    ("ZSTD_lazy2", 5),
    ("ZSTD_btlazy2", 6),
    ("ZSTD_btopt", 7),
    ("ZSTD_btultra", 8),
    ("ZSTD_btultra2", 9),
];

/// The names under which Python knows the parameters of compression.
const NAMES: [(c_int, &str); 19] = [
    (100, "compression_level"),
    (101, "window_log"),
    (102, "hash_log"),
    (103, "chain_log"),
    (104, "search_log"),
    (105, "min_match"),
    (106, "target_length"),
    (107, "strategy"),
    (160, "enable_long_distance_matching"),
    (161, "ldm_hash_log"),
    (162, "ldm_min_match"),
    (163, "ldm_bucket_size_log"),
    (164, "ldm_hash_rate_log"),
    (200, "content_size_flag"),
    (201, "checksum_flag"),
    (202, "dict_id_flag"),
    (400, "nb_workers"),
    (401, "job_size"),
    (402, "overlap_log"),
];

const LEVEL: c_int = 100;

/// The classes CompressionParameter and DecompressionParameter.
static TYPES: Gil<[ObjCell; 2]> = Gil::new([ObjCell::new(None), ObjCell::new(None)]);

pub(super) fn set_types(compress: &Obj, decompress: &Obj) {
    let [c, d] = TYPES.get();
    c.set(Some(compress.clone()));
    d.set(Some(decompress.clone()));
}

fn illegal_level(cx: &Ctx, shown: &str) -> cinder_pyobj::Raised {
    let (low, high) = ffi::bounds(LEVEL, true).unwrap_or((0, 0));
    cx.value_error(format!("illegal compression level{shown}; the valid range is [{low}, {high}]"))
}

/// Sets the compression level, which is returned.
pub(super) fn set_level(cx: &Ctx, state: &ffi::Compressor, o: &Obj) -> PyResult<Option<c_int>> {
    if !int::is_int(o) {
        return Err(cx.type_error("invalid type for level, expected int"));
    }
    let Some(n) = int::as_i64(o).and_then(|n| c_int::try_from(n).ok()) else { return Err(illegal_level(cx, "")) };
    let (low, high) = ffi::bounds(LEVEL, true).unwrap_or((0, 0));
    if !(low..=high).contains(&n) {
        return Err(illegal_level(cx, &format!(" {n}")));
    }
    match state.set(LEVEL, n) {
        Ok(_) => Ok(Some(n)),
        Err(text) => Err(raise(cx, format!("Unable to set compression level: {text}"))),
    }
}

fn name_of(key: c_int, compress: bool) -> String {
    let known = match compress {
        true => NAMES.iter().find(|(n, _)| *n == key).map(|(_, s)| *s),
        false => (key == LEVEL).then_some("window_log_max"),
    };
    known.map_or_else(|| format!("unknown parameter (key {key})"), str::to_owned)
}

/// Sets the parameters of a dict of options; returns the compression level, if it is one of them.
pub(super) fn set_options(
    cx: &Ctx,
    class: &str,
    options: &Obj,
    compress: bool,
    set: impl Fn(c_int, c_int) -> Outcome,
) -> PyResult<Option<c_int>> {
    let mut level = None;
    let Some(items) = dict::items_if_dict(options) else {
        let got = options.type_of().name().to_string();
        return Err(cx.type_error(format!("{class}() argument 'options' must be dict, not {got}")));
    };
    let what = if compress { "compression" } else { "decompression" };
    let [c_type, d_type] = TYPES.get();
    let (wrong, wrong_name) =
        if compress { (d_type, "DecompressionParameter") } else { (c_type, "CompressionParameter") };
    for (k, v) in items {
        if wrong.get().is_some_and(|t| t.is(&k.type_of().as_obj())) {
            let expected = if compress { "CompressionParameter" } else { "DecompressionParameter" };
            return Err(cx.type_error(format!(
                "{what} options dictionary key must not be a {wrong_name} attribute, expected a {expected} attribute"
            )));
        }
        let (key, value) = (<c_int>::from_obj(cx, &k)?, <c_int>::from_obj(cx, &v)?);
        let Ok((low, high)) = ffi::bounds(key, compress) else {
            return Err(cx.value_error(format!("invalid {what} parameter '{}'", name_of(key, compress))));
        };
        if !(low..=high).contains(&value) {
            if compress && key == LEVEL {
                return Err(illegal_level(cx, &format!(" {value}")));
            }
            return Err(cx.value_error(format!(
                "{what} parameter '{}' received an illegal value {value}; the valid range is [{low}, {high}]",
                name_of(key, compress)
            )));
        }
        if compress && key == LEVEL {
            level = Some(value);
        }
        if let Err(text) = set(key, value) {
            let name = name_of(key, compress);
            return Err(raise(cx, format!("Unable to set zstd {what} parameter '{name}': {text}")));
        }
    }
    Ok(level)
}
