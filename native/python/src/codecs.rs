//! The compressions of images.

use golem_vpn_codecs::{decompress_lz4, decompress_lzo, decompress_zstd};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Gives what a block holds that is compressed by lz4, lzo or zstd, at most `limit` bytes.
#[pyfunction]
pub fn decompress<'py>(
    py: Python<'py>,
    compression: &str,
    block: &[u8],
    limit: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let undo = match compression {
        "lz4" => decompress_lz4,
        "lzo" => decompress_lzo,
        "zstd" => decompress_zstd,
        _ => return Err(PyValueError::new_err("the compressions are lz4, lzo and zstd")),
    };
    let data = py.detach(|| undo(block, limit)).map_err(|damage| PyValueError::new_err(damage.to_string()))?;
    Ok(PyBytes::new(py, &data))
}
