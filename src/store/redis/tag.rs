//! Owns the table of partition tags: 1,024 hash tags, spread evenly over the cluster's slots, fixed for ever.
//! Does not know what is kept under them.

use std::sync::LazyLock;

use crate::session::key::{PARTITIONS, Partition};

const SLOTS: u16 = 16_384;
const SLOTS_EACH: u16 = SLOTS / PARTITIONS;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The hash tag of a partition, without its braces.
///
/// The rule: write 0, 1, 2 ... in base 36. The tag of partition p is the first of these texts whose slot, its CRC16
/// modulo 16,384, lies in 16p .. 16p+16. So any even split of the slots is an even split of the partitions.
pub fn tag(partition: Partition) -> &'static str {
    static TAGS: LazyLock<Vec<String>> = LazyLock::new(table);
    TAGS.get(usize::from(partition.number())).map_or("", String::as_str)
}

fn table() -> Vec<String> {
    let mut tags = vec![String::new(); usize::from(PARTITIONS)];
    let mut missing = tags.len();
    for text in (0u32..).map(base36) {
        let partition = usize::from(slot(text.as_bytes()) / SLOTS_EACH);
        if let Some(tag) = tags.get_mut(partition).filter(|tag| tag.is_empty()) {
            *tag = text;
            missing -= 1;
        }
        if missing == 0 {
            break;
        }
    }
    tags
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(DIGITS.get((number % 36) as usize).copied().map(char::from));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

/// The slot of a hash tag (Redis Cluster specification, "Key distribution model": CRC16, the XMODEM kind).
fn slot(tag: &[u8]) -> u16 {
    let crc = tag.iter().fold(0u16, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 },
        )
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest;

    // The specification's own example: the CRC16 of "123456789" is 0x31C3.
    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(slot(b"123456789"), 0x31c3 % SLOTS);
        assert_eq!(slot(b"foo"), 12_182);
    }

    // A change of one tag loses every session that was kept under it.
    #[test]
    fn tags_never_change_and_are_spread_evenly() {
        let tags: Vec<&str> = Partition::all().map(tag).collect();
        for (partition, tag) in Partition::all().zip(&tags) {
            assert_eq!(slot(tag.as_bytes()) / SLOTS_EACH, partition.number(), "{tag}");
        }
        assert!(tags.iter().all(|tag| (1..=3).contains(&tag.len())));
        let hash = digest("tags", &[tags.join(" ").as_bytes()]);
        let hash = u64::from_be_bytes(hash[..8].try_into().unwrap());
        assert_eq!((tags[0], tags[1], tags[1023], hash), ("ru", "2ke", "wu", 0x3391_6e9e_c6c9_e083));
    }
}
