//! Why packets do not go directly, in words.

use super::Nat;

/// Declares the reasons once, with their words.
macro_rules! reasons {
    ($($reason:ident, $words:literal;)*) => {
        /// Why the path to a peer is relayed, or why there is none.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $(#[doc = $words] $reason,)*
        }

        impl Reason {
            /// The reason for people.
            pub fn words(self) -> &'static str {
                match self { $(Self::$reason => $words,)* }
            }
        }
    };
}

reasons! {
    RelayedOnly, "only relayed by policy";
    RelayedOnlyAtPeer, "only relayed by policy of the peer";
    NoAddress, "no direct address is known";
    Blocked, "UDP seems blocked: no reflector answers";
    BlockedAtPeer, "UDP seems blocked at the peer: no reflector answers it";
    NoCommonVersion, "no version of IP is common: one side has IPv4 only, the other IPv6 only";
    Trying, "direct addresses are still being tried";
    FellSilent, "the direct path fell silent";
    BothSymmetric, "both NATs choose a port per destination";
    Symmetric, "a NAT here chooses a port per destination";
    SymmetricAtPeer, "a NAT at the peer chooses a port per destination";
    NoAnswer, "no direct address answers";
    Untried, "no path has been tried yet";
    Nowhere, "nothing answers: no direct address is known and no relay is shared";
    NothingAnswers, "nothing answers: neither a direct address nor a shared relay";
}

/// What is known when there is no direct path.
pub(super) struct Circumstances {
    pub own: Nat,
    pub peer: Nat,
    pub has_addresses: bool,
    pub has_common_version: bool,
    pub is_trying: bool,
    pub fell_silent: bool,
}

impl Circumstances {
    /// Why packets go through a relay.
    pub fn reason(&self) -> Reason {
        match (self.own, self.peer) {
            (Nat::RelayedOnly, _) => Reason::RelayedOnly,
            (_, Nat::RelayedOnly) => Reason::RelayedOnlyAtPeer,
            (Nat::Blocked, _) => Reason::Blocked,
            (_, Nat::Blocked) => Reason::BlockedAtPeer,
            _ if !self.has_addresses => Reason::NoAddress,
            _ if !self.has_common_version => Reason::NoCommonVersion,
            _ if self.fell_silent => Reason::FellSilent,
            _ if self.is_trying => Reason::Trying,
            (Nat::Symmetric, Nat::Symmetric) => Reason::BothSymmetric,
            (Nat::Symmetric, _) => Reason::Symmetric,
            (_, Nat::Symmetric) => Reason::SymmetricAtPeer,
            _ => Reason::NoAnswer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circumstances(own: Nat, peer: Nat) -> Circumstances {
        let (has_addresses, has_common_version) = (true, true);
        Circumstances { own, peer, has_addresses, has_common_version, is_trying: false, fell_silent: false }
    }

    #[test]
    fn what_no_trying_can_change_comes_first() {
        let policy = Circumstances { is_trying: true, ..circumstances(Nat::RelayedOnly, Nat::Symmetric) };
        assert_eq!(policy.reason(), Reason::RelayedOnly);
        let blocked = Circumstances { is_trying: true, ..circumstances(Nat::Independent, Nat::Blocked) };
        assert_eq!(blocked.reason(), Reason::BlockedAtPeer);
        let unknown =
            Circumstances { has_addresses: false, is_trying: true, ..circumstances(Nat::Unknown, Nat::Unknown) };
        assert_eq!(unknown.reason(), Reason::NoAddress);
        let six = Circumstances {
            has_common_version: false,
            is_trying: true,
            ..circumstances(Nat::Independent, Nat::Symmetric)
        };
        assert_eq!(six.reason(), Reason::NoCommonVersion);
    }

    #[test]
    fn nats_explain_what_was_tried_in_vain() {
        let symmetric = circumstances(Nat::Symmetric, Nat::Symmetric);
        assert_eq!(symmetric.reason(), Reason::BothSymmetric);
        assert_eq!(Circumstances { is_trying: true, ..symmetric }.reason(), Reason::Trying);
        assert_eq!(circumstances(Nat::Symmetric, Nat::Independent).reason(), Reason::Symmetric);
        assert_eq!(circumstances(Nat::Unknown, Nat::Symmetric).reason(), Reason::SymmetricAtPeer);
        assert_eq!(circumstances(Nat::Unknown, Nat::Unknown).reason(), Reason::NoAnswer);
        let worked = Circumstances { fell_silent: true, ..circumstances(Nat::Independent, Nat::Independent) };
        assert_eq!(worked.reason(), Reason::FellSilent);
    }
}
