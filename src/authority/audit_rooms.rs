//! Owns how many entries of what can be caused without a session go to the store within an hour: what is beyond that costs it
//! nothing, however much comes. Does not know what an entry says.

use super::audit_store::hour_of;
use crate::session::audit::Room;
use crate::session::time::Timestamp;

/// What this process has let through of each room.
#[derive(Debug, Default)]
pub(super) struct AuditRooms([HourOf; Room::COUNT]);

#[derive(Debug, Default)]
struct HourOf {
    hour: u64,
    count: u64,
}

impl AuditRooms {
    /// Takes a place of the hour that `at` lies in, which has `most` in each room. Answers whether there was one.
    pub(super) fn take(&mut self, room: Room, at: Timestamp, most: u64) -> bool {
        match self.hour(room, at) {
            Some(of) if of.count < most => {
                of.count += 1;
                true
            }
            _ => false,
        }
    }

    /// Lets none of that hour through any more, if it is the present one: other replicas have filled its room.
    pub(super) fn close(&mut self, room: Room, at: Timestamp) {
        let of = self.0.get_mut(room.place()).filter(|of| of.hour == hour_of(at));
        if let Some(of) = of {
            of.count = u64::MAX;
        }
    }

    fn hour(&mut self, room: Room, at: Timestamp) -> Option<&mut HourOf> {
        let (hour, of) = (hour_of(at), self.0.get_mut(room.place())?);
        // What is of the hour before counts with this one: else each of a few that are late would empty both.
        if hour > of.hour || hour + 1 < of.hour {
            *of = HourOf { hour, count: 0 };
        }
        Some(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_lets_so_many_of_each_room_through() {
        let mut rooms = AuditRooms::default();
        let minute = |number: u64| Timestamp::from_secs(1_800_000_000 + number * 60);
        let mut take = |room, at| rooms.take(room, minute(at), 2);
        assert_eq!([0, 30, 59].map(|at| take(Room::Anybodys, at)), [true, true, false]);
        assert!(take(Room::Returned, 59) && take(Room::Begun, 59), "each has its own");
        assert!(take(Room::Anybodys, 60), "another hour");
        assert!(take(Room::Begun, 60) && take(Room::Begun, 59) && !take(Room::Begun, 61), "one that is late");
        rooms.close(Room::Anybodys, minute(60));
        rooms.close(Room::Anybodys, minute(59));
        assert!(!rooms.take(Room::Anybodys, minute(61), 2) && rooms.take(Room::Anybodys, minute(120), 2));
    }
}
