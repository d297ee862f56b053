//! The library zstd behind safe types. All unsafe code of the module is here.

use std::ffi::{CStr, c_int};

use zstd_sys as sys;

/// A result code of the library: a number, or an error with its text.
pub(super) type Outcome = Result<usize, &'static str>;

fn outcome(code: usize) -> Outcome {
    // SAFETY: both functions only look at the number; names are static.
    unsafe {
        if sys::ZSTD_isError(code) == 0 {
            return Ok(code);
        }
        Err(CStr::from_ptr(sys::ZSTD_getErrorName(code)).to_str().unwrap_or("Unspecified error code"))
    }
}

/// What one call of a stream function did.
pub(super) struct Step {
    pub(super) used: usize,
    pub(super) made: usize,
    /// What the library still has to do; zero at the end of a frame.
    pub(super) left: usize,
}

/// How a dictionary takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// With the tables that a level needs, made once.
    Digested,
    /// As content, from which each context makes its tables.
    Undigested,
    /// As what came before the first frame.
    Prefix,
}

/// A digested dictionary for compression.
pub(super) struct CompressionDict(*mut sys::ZSTD_CDict);

impl Drop for CompressionDict {
    fn drop(&mut self) {
        // SAFETY: freed once.
        unsafe { sys::ZSTD_freeCDict(self.0) };
    }
}

impl CompressionDict {
    /// Nothing if the content is no dictionary.
    pub(super) fn new(content: &[u8], level: c_int) -> Option<CompressionDict> {
        // SAFETY: the library copies the content.
        let p = unsafe { sys::ZSTD_createCDict(content.as_ptr().cast(), content.len(), level) };
        (!p.is_null()).then_some(CompressionDict(p))
    }
}

/// A digested dictionary for decompression.
pub(super) struct DecompressionDict(*mut sys::ZSTD_DDict);

impl Drop for DecompressionDict {
    fn drop(&mut self) {
        // SAFETY: freed once.
        unsafe { sys::ZSTD_freeDDict(self.0) };
    }
}

impl DecompressionDict {
    /// Nothing if the content is no dictionary.
    pub(super) fn new(content: &[u8]) -> Option<DecompressionDict> {
        // SAFETY: the library copies the content.
        let p = unsafe { sys::ZSTD_createDDict(content.as_ptr().cast(), content.len()) };
        (!p.is_null()).then_some(DecompressionDict(p))
    }
}

/// The least and greatest value of a parameter.
pub(super) fn bounds(parameter: c_int, compress: bool) -> Result<(c_int, c_int), &'static str> {
    // SAFETY: the library refuses unknown numbers, which are passed as they are.
    let b = unsafe { if compress { cparam_bounds(parameter) } else { dparam_bounds(parameter) } };
    outcome(b.error)?;
    Ok((b.lowerBound, b.upperBound))
}

// Parameters are declared as numbers here: an enum of Rust's may not hold those that are unknown.
unsafe extern "C" {
    #[link_name = "ZSTD_cParam_getBounds"]
    fn cparam_bounds(parameter: c_int) -> sys::ZSTD_bounds;
    #[link_name = "ZSTD_dParam_getBounds"]
    fn dparam_bounds(parameter: c_int) -> sys::ZSTD_bounds;
    #[link_name = "ZSTD_CCtx_setParameter"]
    fn set_cparam(ctx: *mut sys::ZSTD_CCtx, parameter: c_int, value: c_int) -> usize;
    #[link_name = "ZSTD_DCtx_setParameter"]
    fn set_dparam(ctx: *mut sys::ZSTD_DCtx, parameter: c_int, value: c_int) -> usize;
    #[link_name = "ZSTD_compressStream2"]
    fn compress_stream(
        ctx: *mut sys::ZSTD_CCtx,
        output: *mut sys::ZSTD_outBuffer,
        input: *mut sys::ZSTD_inBuffer,
        end: c_int,
    ) -> usize;
}

/// A compressor, and the digested dictionary that it refers to. A prefix is kept by the owner.
pub(super) struct Compressor {
    ctx: *mut sys::ZSTD_CCtx,
    dict: Option<CompressionDict>,
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // The library frees dictionaries before it stops its threads, so what they work on is finished first.
        let mut scratch = [0u8; 4096];
        while matches!(self.step(&[], &mut scratch, sys::ZSTD_EndDirective::ZSTD_e_flush as c_int), Ok(s) if s.left != 0)
        {
        }
        // SAFETY: freed once, before the dictionary.
        unsafe { sys::ZSTD_freeCCtx(self.ctx) };
    }
}

impl Compressor {
    pub(super) fn new() -> Option<Compressor> {
        // SAFETY: no arguments.
        let ctx = unsafe { sys::ZSTD_createCCtx() };
        (!ctx.is_null()).then_some(Compressor { ctx, dict: None })
    }

    /// Uses a digested dictionary from now on.
    pub(super) fn use_dict(&mut self, dict: CompressionDict) -> Outcome {
        // SAFETY: the dictionary is kept until the context is freed.
        let r = outcome(unsafe { sys::ZSTD_CCtx_refCDict(self.ctx, dict.0) });
        self.dict = Some(dict);
        r
    }

    pub(super) fn set(&self, parameter: c_int, value: c_int) -> Outcome {
        // SAFETY: the context is live; unknown parameters are refused.
        outcome(unsafe { set_cparam(self.ctx, parameter, value) })
    }

    pub(super) fn load(&self, dict: &[u8]) -> Outcome {
        // SAFETY: the library copies the dictionary.
        outcome(unsafe { sys::ZSTD_CCtx_loadDictionary(self.ctx, dict.as_ptr().cast(), dict.len()) })
    }

    /// Refers to a prefix for the next frame.
    ///
    /// # Safety
    /// The slice must stay in place until that frame has ended or the compressor is dropped.
    pub(super) unsafe fn refer(&self, prefix: &[u8]) -> Outcome {
        // SAFETY: by the caller's promise.
        outcome(unsafe { sys::ZSTD_CCtx_refPrefix(self.ctx, prefix.as_ptr().cast(), prefix.len()) })
    }

    pub(super) fn set_pledged_size(&self, size: u64) -> Outcome {
        // SAFETY: the context is live.
        outcome(unsafe { sys::ZSTD_CCtx_setPledgedSrcSize(self.ctx, size) })
    }

    /// Gives the frame at hand up.
    pub(super) fn reset(&self) {
        // SAFETY: the context is live.
        unsafe { sys::ZSTD_CCtx_reset(self.ctx, sys::ZSTD_ResetDirective::ZSTD_reset_session_only) };
    }

    pub(super) fn step(&self, input: &[u8], out: &mut [u8], mode: c_int) -> Result<Step, &'static str> {
        let mut i = sys::ZSTD_inBuffer { src: input.as_ptr().cast(), size: input.len(), pos: 0 };
        let mut o = sys::ZSTD_outBuffer { dst: out.as_mut_ptr().cast(), size: out.len(), pos: 0 };
        // SAFETY: both buffers live through the call.
        let left = outcome(unsafe { compress_stream(self.ctx, &raw mut o, &raw mut i, mode) })?;
        Ok(Step { used: i.pos, made: o.pos, left })
    }
}

/// A decompressor, and the digested dictionary that it refers to.
pub(super) struct Decompressor {
    ctx: *mut sys::ZSTD_DCtx,
    dict: Option<DecompressionDict>,
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: freed once.
        unsafe { sys::ZSTD_freeDCtx(self.ctx) };
    }
}

impl Decompressor {
    pub(super) fn new() -> Option<Decompressor> {
        // SAFETY: no arguments.
        let ctx = unsafe { sys::ZSTD_createDCtx() };
        (!ctx.is_null()).then_some(Decompressor { ctx, dict: None })
    }

    /// Uses a digested dictionary from now on.
    pub(super) fn use_dict(&mut self, dict: DecompressionDict) -> Outcome {
        // SAFETY: the dictionary is kept until the context is freed.
        let r = outcome(unsafe { sys::ZSTD_DCtx_refDDict(self.ctx, dict.0) });
        self.dict = Some(dict);
        r
    }

    pub(super) fn set(&self, parameter: c_int, value: c_int) -> Outcome {
        // SAFETY: the context is live; unknown parameters are refused.
        outcome(unsafe { set_dparam(self.ctx, parameter, value) })
    }

    pub(super) fn load(&self, dict: &[u8]) -> Outcome {
        // SAFETY: the library copies the dictionary.
        outcome(unsafe { sys::ZSTD_DCtx_loadDictionary(self.ctx, dict.as_ptr().cast(), dict.len()) })
    }

    /// Refers to a prefix for the next frame.
    ///
    /// # Safety
    /// As [`Compressor::refer`].
    pub(super) unsafe fn refer(&self, prefix: &[u8]) -> Outcome {
        // SAFETY: by the caller's promise.
        outcome(unsafe { sys::ZSTD_DCtx_refPrefix(self.ctx, prefix.as_ptr().cast(), prefix.len()) })
    }

    pub(super) fn reset(&self) {
        // SAFETY: the context is live.
        unsafe { sys::ZSTD_DCtx_reset(self.ctx, sys::ZSTD_ResetDirective::ZSTD_reset_session_only) };
    }

    pub(super) fn step(&self, input: &[u8], out: &mut [u8]) -> Result<Step, &'static str> {
        let mut i = sys::ZSTD_inBuffer { src: input.as_ptr().cast(), size: input.len(), pos: 0 };
        let mut o = sys::ZSTD_outBuffer { dst: out.as_mut_ptr().cast(), size: out.len(), pos: 0 };
        // SAFETY: both buffers live through the call.
        let left = outcome(unsafe { sys::ZSTD_decompressStream(self.ctx, &raw mut o, &raw mut i) })?;
        Ok(Step { used: i.pos, made: o.pos, left })
    }
}

/// The size of the frame that data begins with.
pub(super) fn frame_size(data: &[u8]) -> Outcome {
    // SAFETY: the slice lives through the call.
    outcome(unsafe { sys::ZSTD_findFrameCompressedSize(data.as_ptr().cast(), data.len()) })
}

/// The size of the content of the frame that data begins with (if it is known), and the id of its dictionary.
pub(super) fn frame_info(data: &[u8]) -> Option<(Option<u64>, u32)> {
    const UNKNOWN: u64 = u64::MAX;
    const ERROR: u64 = u64::MAX - 1;
    // SAFETY: the slice lives through the calls.
    unsafe {
        match sys::ZSTD_getFrameContentSize(data.as_ptr().cast(), data.len()) {
            ERROR => None,
            n => Some((
                Some(n).filter(|n| *n != UNKNOWN),
                sys::ZSTD_getDictID_fromFrame(data.as_ptr().cast(), data.len()),
            )),
        }
    }
}

/// The id of a dictionary; zero if it is none.
pub(super) fn dictionary_id(dict: &[u8]) -> u32 {
    // SAFETY: the slice lives through the call.
    unsafe { sys::ZSTD_getDictID_fromDict(dict.as_ptr().cast(), dict.len()) }
}

/// Makes a dictionary of samples, whose sizes add up to the length of `samples`.
pub(super) fn train(samples: &[u8], sizes: &[usize], out: &mut [u8]) -> Outcome {
    // SAFETY: the slices live through the call, and the sizes add up.
    outcome(unsafe {
        sys::ZDICT_trainFromBuffer(
            out.as_mut_ptr().cast(),
            out.len(),
            samples.as_ptr().cast(),
            sizes.as_ptr(),
            sizes.len() as u32,
        )
    })
}

/// Adds headers and tables to the content of a dictionary.
pub(super) fn finalize(content: &[u8], samples: &[u8], sizes: &[usize], level: c_int, out: &mut [u8]) -> Outcome {
    let parameters = sys::ZDICT_params_t { compressionLevel: level, notificationLevel: 0, dictID: 0 };
    // SAFETY: as for `train`.
    outcome(unsafe {
        sys::ZDICT_finalizeDictionary(
            out.as_mut_ptr().cast(),
            out.len(),
            content.as_ptr().cast(),
            content.len(),
            samples.as_ptr().cast(),
            sizes.as_ptr(),
            sizes.len() as u32,
            parameters,
        )
    })
}

/// The library's version: as a number, and as text.
pub(super) fn version() -> (u32, &'static str) {
    // SAFETY: a static text.
    unsafe {
        let text = CStr::from_ptr(sys::ZSTD_versionString()).to_str().unwrap_or("");
        (sys::ZSTD_versionNumber(), text)
    }
}

/// Sizes and levels that the library recommends.
pub(super) fn defaults() -> (c_int, usize) {
    // SAFETY: no arguments.
    unsafe { (sys::ZSTD_defaultCLevel(), sys::ZSTD_DStreamOutSize()) }
}
