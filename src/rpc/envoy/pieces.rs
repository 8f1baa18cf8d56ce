//! Owns going through an encoded message where it lies, so that what is passed over costs nothing. Does not know which
//! message it is.

/// The fields that hold text, bytes or a message, with their numbers, in the order in which they came. Others are passed over.
#[derive(Clone)]
pub(super) struct Pieces<'a>(&'a [u8]);

/// It is no message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMessage;

type Piece<'a> = (usize, &'a [u8]);

pub(super) const fn pieces(message: &[u8]) -> Pieces<'_> {
    Pieces(message)
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, NoMessage>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.next_piece().transpose();
        if matches!(piece, Some(Err(_))) {
            self.0 = &[];
        }
        piece
    }
}

impl<'a> Pieces<'a> {
    /// Protocol Buffers, "Encoding", "Message Structure".
    fn next_piece(&mut self) -> Result<Option<Piece<'a>>, NoMessage> {
        while !self.0.is_empty() {
            let tag = self.number()?;
            let (field, kind) = (tag >> 3, tag & 7);
            let length = match kind {
                0 => {
                    self.number()?;
                    continue;
                }
                1 => 8,
                2 => self.number()?,
                5 => 4,
                _ => return Err(NoMessage),
            };
            let (piece, rest) = self.0.split_at_checked(length).ok_or(NoMessage)?;
            self.0 = rest;
            if kind == 2 {
                return Ok(Some((field, piece)));
            }
        }
        Ok(None)
    }

    fn number(&mut self) -> Result<usize, NoMessage> {
        if let [number @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok(usize::from(*number));
        }
        prost::decode_length_delimiter(&mut self.0).map_err(|_| NoMessage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Result<Vec<Piece<'_>>, NoMessage> {
        pieces(message).collect()
    }

    #[test]
    fn pieces_are_read_and_all_else_is_passed_over() {
        let long = [b"\x1a\xc8\x01".as_slice(), &[b'x'; 200]].concat();
        let message = [b"\x08\x96\x01\x12\x02hi\x19\0\0\0\0\0\0\0\0\x25\0\0\0\0".as_slice(), &long, b"\x12\0"].concat();
        assert_eq!(read(&message), Ok(vec![(2, b"hi".as_slice()), (3, &[b'x'; 200]), (2, b"")]));
        assert_eq!(read(b""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_cut_off_or_no_field_is_no_message() {
        for message in [b"\x12\x03hi".as_slice(), b"\x12", b"\x08", b"\x80", b"\x0b", b"\x19\0", &[0xff; 11]] {
            assert_eq!(read(message), Err(NoMessage), "{message:?}");
            assert_eq!(pieces(message).count(), 1, "it goes on after {message:?}");
        }
    }
}
