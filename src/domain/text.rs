//! Text as editors and shells of any system write it.

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What `bytes` say in UTF-8, or in UTF-16 with a byte order mark, as PowerShell writes it. The mark is no part
/// of it.
///
/// # Errors
/// The text up to where it is neither.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    let text = match utf16(bytes) {
        Some(text) => text?,
        None => String::from_utf8(bytes.to_vec()).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            String::from_utf8_lossy(&bytes[..good]).into_owned()
        })?,
    };
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}

/// Text in UTF-16, without its byte order mark; `None`: it has none, or that of another encoding.
pub fn utf16(bytes: &[u8]) -> Option<Result<String, String>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, rest) = bytes[2..].as_chunks::<2>();
    let text: String = char::decode_utf16(pairs.iter().copied().map(unit)).map_while(Result::ok).collect();
    let is_whole = rest.is_empty() && text.encode_utf16().count() == pairs.len();
    Some(if is_whole { Ok(text) } else { Err(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_8_and_utf_16_are_read_without_their_marks() {
        let le: Vec<u8> = "\u{feff}né\r\n😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "\u{feff}né\r\n😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in ["né\r\n😀".as_bytes(), "\u{feff}né\r\n😀".as_bytes(), &le, &be] {
            assert_eq!(decode(bytes).unwrap(), "né\r\n😀");
        }
        assert_eq!(decode(b"ab\xff\xfe").unwrap_err(), "ab");
        assert_eq!(decode(&le[..le.len() - 1]).unwrap_err(), "né\r\n");
        assert_eq!(decode(&le[..le.len() - 2]).unwrap_err(), "né\r\n");
    }
}
