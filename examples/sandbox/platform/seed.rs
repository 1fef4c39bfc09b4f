//! The people, tenants and orders of every sandbox. Orders are computed from their index and never stored, so that a
//! tenant may have a million of them.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// The public client that the CLI is registered as.
pub const CLIENT_ID: &str = "9d3f8a52-6c1e-4a7b-9f20-5b8e1c7d4a10";

pub const STATUSES: [&str; 11] = [
    "pending",
    "confirmed",
    "processing",
    "ready_to_ship",
    "shipped",
    "out_for_delivery",
    "delivered",
    "rto_initiated",
    "rto_received",
    "cancelled",
    "failed",
];
pub const PAYMENT_STATUSES: [&str; 6] = ["pending", "partial", "paid", "failed", "refunded", "cod"];

/// When the newest order of every tenant was made, in seconds since 1970: 2026-05-03T10:14:22Z.
const NEWEST: i64 = 1_777_803_262;

/// A person; the password is `pw-` and the user name.
#[derive(Debug)]
pub struct User {
    pub id: u32,
    pub username: &'static str,
    pub name: &'static str,
    pub email: &'static str,
    /// Tenant and role.
    pub memberships: &'static [(&'static str, &'static str)],
    pub current_tenant: Option<&'static str>,
}

impl User {
    pub fn password(&self) -> String {
        format!("pw-{}", self.username)
    }
}

pub static USERS: [User; 4] = [
    User {
        id: 1,
        username: "ada",
        name: "Ada Lovelace",
        email: "ada@example.test",
        memberships: &[("acme", "owner"), ("globex", "manager")],
        current_tenant: Some("acme"),
    },
    User {
        id: 2,
        username: "grace",
        name: "Grace Hopper",
        email: "grace@example.test",
        memberships: &[("initech", "admin")],
        current_tenant: Some("initech"),
    },
    User {
        id: 3,
        username: "mary",
        name: "Mary Shelley",
        email: "mary@example.test",
        memberships: &[("acme", "viewer"), ("globex", "agent"), ("initech", "manager")],
        current_tenant: None,
    },
    User {
        id: 4,
        username: "nobody",
        name: "No Tenants",
        email: "nobody@example.test",
        memberships: &[],
        current_tenant: None,
    },
];

pub fn user(username: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.username == username)
}

#[derive(Debug)]
pub struct Tenant {
    pub id: &'static str,
    pub name: &'static str,
    /// A readable name that `X-Tenant` takes too and that no list mentions.
    pub alias: Option<&'static str>,
    pub orders: u64,
}

pub static TENANTS: [Tenant; 3] = [
    Tenant { id: "acme", name: "Acme Corp", alias: Some("acme-corp"), orders: 57 },
    Tenant { id: "globex", name: "Globex Corporation", alias: None, orders: 12 },
    Tenant { id: "initech", name: "Initech", alias: None, orders: 0 },
];

/// The tenant that an `X-Tenant` header means, in any case of letters.
pub fn tenant(id_or_alias: &str) -> Option<&'static Tenant> {
    let wanted = id_or_alias.to_ascii_lowercase();
    TENANTS.iter().find(|tenant| tenant.id == wanted || tenant.alias == Some(wanted.as_str()))
}

/// The sample of the platform's documentation, then cents that a float prints badly, nothing, and a sum that no float
/// holds. In hundredths.
const AWKWARD_TOTALS: [u64; 8] =
    [299_900, 10, 0, 1_999, 900_719_925_474_099_301, 123_456_789_010, 4_250_000, 105];

#[derive(Clone, Debug)]
pub struct Order {
    pub index: u64,
    pub id: String,
    pub order_number: String,
    pub status: &'static str,
    pub payment_status: &'static str,
    pub customer_id: u64,
    /// In hundredths.
    pub total_minor: u64,
    pub created_at: Timestamp,
}

impl Order {
    /// A number token with two places. Built from integers: a float would lose digits.
    pub fn total(&self) -> String {
        format!("{}.{:02}", self.total_minor / 100, self.total_minor % 100)
    }
}

// What a list can be filtered by is a function of the index alone: a filter over a million orders makes none of them.

pub fn status_of(index: u64) -> &'static str {
    STATUSES[(index % STATUSES.len() as u64) as usize]
}

pub fn payment_status_of(index: u64) -> &'static str {
    PAYMENT_STATUSES[(index % PAYMENT_STATUSES.len() as u64) as usize]
}

pub fn customer_of(index: u64) -> u64 {
    1 + index % 7
}

/// All orders of one tenant, newest first.
#[derive(Clone, Copy)]
pub struct Orders {
    pub tenant: &'static str,
    pub count: u64,
}

impl Orders {
    pub fn get(self, index: u64) -> Option<Order> {
        if index >= self.count {
            return None;
        }
        let created_at = self.created_at(index)?;
        Some(Order {
            index,
            id: self.id(index),
            order_number: self.number(index, created_at),
            status: status_of(index),
            payment_status: payment_status_of(index),
            customer_id: customer_of(index),
            total_minor: match AWKWARD_TOTALS.get(index as usize) {
                Some(&total) => total,
                None => 150_000 + 3_701 * index,
            },
            created_at,
        })
    }

    /// The index of the order with this id.
    pub fn index_of(self, id: &str) -> Option<u64> {
        let last = id.rsplit('-').next()?;
        let index = u64::from_str_radix(last, 16).ok()? ^ self.mask();
        (index < self.count && self.id(index) == id).then_some(index)
    }

    /// Looks like a UUID and gives the index back: its last group is the index under a mask of the tenant's.
    fn id(self, index: u64) -> String {
        let seed = self.mask();
        let group = |shift: u64| (seed >> shift) & 0xfff;
        let head = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16) as u32;
        format!("{head:08x}-{:04x}-5{:03x}-a{:03x}-{:012x}", group(4), group(16), group(28), seed ^ index)
    }

    /// 48 bits that depend on the tenant.
    fn mask(self) -> u64 {
        let digest = Sha256::digest(self.tenant.as_bytes());
        digest.iter().take(6).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }

    /// Hours apart for a shop of the seeded size, minutes for a huge one, which would else begin before the calendar.
    fn seconds_apart(self) -> i64 {
        if self.count <= 1_000 { 11 * 3600 } else { 7 * 60 }
    }

    fn created_at(self, index: u64) -> Option<Timestamp> {
        let back = self.seconds_apart().checked_mul(i64::try_from(index).ok()?)?;
        Timestamp::from_second(NEWEST - back).ok()
    }

    /// `ORD-<date>-<how many-th of that day>`.
    fn number(self, index: u64, created_at: Timestamp) -> String {
        let midnight = created_at.as_second().div_euclid(86_400) * 86_400;
        let oldest_of_day = ((NEWEST - midnight) / self.seconds_apart()) as u64;
        let nth = oldest_of_day.min(self.count - 1) - index + 1;
        format!("ORD-{}-{nth:04}", created_at.strftime("%Y%m%d"))
    }
}
