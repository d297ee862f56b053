//! The native modules: one file or folder for each.

mod abc;
mod array;
mod asyncio;
mod atexit;
mod binascii;
mod bisect;
mod bz2;
mod cjk;
mod cmath;
mod codecs;
mod collections;
pub(crate) mod compression;
mod csv;
mod datetime;
mod decimal;
mod errno;
mod expat;
mod fcntl;
mod functools;
mod gc;
mod hashes;
mod heapq;
pub(crate) mod io;
mod itertools;
mod json;
mod locale;
mod lzma;
mod math;
mod mmap;
mod multiprocessing;
mod operator;
mod packed;
mod pickle;
mod posix;
mod posixshmem;
mod posixsubprocess;
mod pwd;
mod queue;
mod random;
mod resource;
mod select;
mod socket;
mod sqlite;
mod sre;
#[cfg(feature = "ssl")]
mod ssl;
mod stat_;
mod statistics;
mod string;
mod struct_;
mod sysconfig;
mod syslog;
mod termios;
pub(crate) mod time;
mod unicodedata;
mod uuid;
mod weakref;
mod zlib;
mod zstd;

use cinder_pyobj::native::ModuleDef;

/// All native modules of this crate.
pub static ALL: &[&ModuleDef] = &[
    &abc::abc::MODULE,
    &array::array::MODULE,
    &asyncio::asyncio::MODULE,
    &atexit::module::MODULE,
    &binascii::module::MODULE,
    &bisect::bisect::MODULE,
    &bz2::module::MODULE,
    &cmath::cmath::MODULE,
    &cjk::cn::MODULE,
    &cjk::hk::MODULE,
    &cjk::iso2022_module::MODULE,
    &cjk::jp::MODULE,
    &cjk::kr::MODULE,
    &cjk::multibytecodec::MODULE,
    &cjk::tw::MODULE,
    &codecs::module::MODULE,
    &collections::collections::MODULE,
    &csv::module::MODULE,
    &datetime::datetime::MODULE,
    &datetime::zones::zoneinfo::MODULE,
    &decimal::decimal::MODULE,
    &errno::errno::MODULE,
    &expat::pyexpat::MODULE,
    &fcntl::fcntl::MODULE,
    &functools::functools::MODULE,
    &gc::gc::MODULE,
    &hashes::blake2::module::MODULE,
    &hashes::digest::md5_module::MODULE,
    &hashes::digest::sha1_module::MODULE,
    &hashes::digest::sha2_module::MODULE,
    &hashes::hashlib::module::MODULE,
    &hashes::hmac::module::MODULE,
    &hashes::sha3::module::MODULE,
    &heapq::heapq::MODULE,
    &io::module::MODULE,
    &itertools::itertools::MODULE,
    &json::module::MODULE,
    &locale::locale::MODULE,
    &lzma::module::MODULE,
    &math::math::MODULE,
    &mmap::mmap::MODULE,
    &multiprocessing::multiprocessing::MODULE,
    &operator::operator::MODULE,
    &packed::module::MODULE,
    &pickle::module::MODULE,
    &posix::posix::MODULE,
    &posixshmem::posixshmem::MODULE,
    &posixsubprocess::posixsubprocess::MODULE,
    &pwd::grp::MODULE,
    &pwd::pwd::MODULE,
    &queue::queue::MODULE,
    &random::random::MODULE,
    &resource::resource::MODULE,
    &select::select::MODULE,
    &socket::socket::MODULE,
    &sqlite::module::MODULE,
    &sre::sre::MODULE,
    #[cfg(feature = "ssl")]
    &ssl::module::MODULE,
    &stat_::stat::MODULE,
    &statistics::statistics::MODULE,
    &string::module::MODULE,
    &struct_::module::MODULE,
    &sysconfig::module::MODULE,
    &syslog::module::MODULE,
    &termios::termios::MODULE,
    &time::time::MODULE,
    &unicodedata::module::MODULE,
    &uuid::uuid::MODULE,
    &weakref::weakref::MODULE,
    &zlib::module::MODULE,
    &zstd::module::MODULE,
];
