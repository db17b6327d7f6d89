//! How values stand in a message: numbers little-endian, a text or a list after its length.

use std::ffi::CString;

/// The message ends early, goes on after its end, or has a value that can't be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {0}")]
pub struct Malformed(pub &'static str);

/// Takes values off the front of a message.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub fn short(&mut self) -> Result<u16, Malformed> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub fn number(&mut self) -> Result<u32, Malformed> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub fn long(&mut self) -> Result<u64, Malformed> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    pub fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.chunk()?.to_vec()).map_err(|_| Malformed("a text is not UTF-8"))
    }

    /// Reads what goes to the kernel or to a program: bytes without a zero among them.
    pub fn path(&mut self) -> Result<CString, Malformed> {
        CString::new(self.chunk()?).map_err(|_| Malformed("a path or an argument holds a zero byte"))
    }

    pub fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let count = self.number()?;
        (0..count).map(|_| item(self)).collect()
    }

    pub fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("bytes after the end")) }
    }

    fn chunk(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.number()? as usize;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed("it ends early"))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Appends values to a message.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn number(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub fn text(self, value: &str) -> Self {
        let mut writer = self.number(u32::try_from(value.len()).unwrap_or(u32::MAX));
        writer.0.extend_from_slice(value.as_bytes());
        writer
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written() {
        let bytes = Writer::default().byte(7).number(65_536).text("vpn0").finish();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.byte(), Ok(7));
        assert_eq!(reader.number(), Ok(65_536));
        assert_eq!(reader.text().as_deref(), Ok("vpn0"));
        assert_eq!(reader.end(), Ok(()));
        assert_eq!(Reader::new(&[1, 2, 0, 0, 0, 0, 0, 0]).long(), Ok(513));
    }

    #[test]
    fn refuses_what_is_malformed() {
        assert_eq!(Reader::new(&[1, 0, 0]).number(), Err(Malformed("it ends early")));
        assert_eq!(Reader::new(&[2, 0, 0, 0, b'a']).text(), Err(Malformed("it ends early")));
        assert!(Reader::new(&[1, 0, 0, 0, 0]).path().is_err());
        assert!(Reader::new(&[1, 0, 0, 0, 0xff]).text().is_err());
        assert!(Reader::new(&[255; 4]).list(Reader::byte).is_err());
        assert!(Reader::new(&[0]).end().is_err());
    }
}
