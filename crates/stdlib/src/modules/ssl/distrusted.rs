//! Keys of authorities that nobody should trust any more, though certificates of them still verify.

use std::ffi::c_int;

use sha2::{Digest, Sha256};

use super::ffi::{self, StoreCtx};
use crate::os::sys;

/// The SHA-256 of each key, as certificates hold it (SubjectPublicKeyInfo); CPython 3.14.10 distrusts the same ones.
const KEYS: [&str; 8] = [
    "43bffa19d6ef651451f6841e019931e96f6f2eaeff28ab4b6f1ce4576de2717b",
    "49dd353dc2b919a3770645117d0e60c16115e7d1bc259eefe734b00ea434fe5f",
    "5c0660a2b164910d8ff589c18e14552e9e0ec237dcefe2cb736d41a4811f81a0",
    "63ecefee431d49523bc1136c4e72d0206a477086caf606cd5cf025686c109cf8",
    "92c063d67e8f14db71d288e11266ffdaf69cbf115f7bab14f3bc2f68d25e0e30",
    "e0254c7fcdc265e2f0f8a428dabb75ab4ae039b4872d62f5ee57f0877d5a8a41",
    "ebed6475c2c2d80fcb199f3fe8dd6e6b3ce60b77eb15d4e42c3dec0c6f5b5105",
    "ec4ffa1ad0ac88081314b7aaffef6a91f97cd57291bb5ba686c5415f5eb4f6b6",
];

/// What the verification of a certificate with such a key comes to (`X509_V_ERR_CERT_REJECTED`).
const REJECTED: c_int = 28;

/// Looks at each certificate of a chain that OpenSSL verified.
pub(super) unsafe extern "C" fn look(ok: c_int, verification: *mut StoreCtx) -> c_int {
    if ok == 0 {
        return 0;
    }
    let x = sys!(ffi::X509_STORE_CTX_get_current_cert(verification));
    if x.is_null() {
        return ok;
    }
    let Some(key) = ffi::der(|p| sys!(ffi::i2d_X509_PUBKEY(ffi::X509_get_X509_PUBKEY(x), p))) else { return ok };
    let digest: String = Sha256::digest(&key).iter().map(|b| format!("{b:02x}")).collect();
    if !KEYS.contains(&digest.as_str()) {
        return ok;
    }
    sys!(ffi::X509_STORE_CTX_set_error(verification, REJECTED));
    0
}
