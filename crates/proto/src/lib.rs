//! The contracts under `proto/`, as Rust. Nothing here is written by hand but this file.

/// The packages `insta.*`.
// Generated: a message holds whatever its contract says, one of it at a time.
#[allow(clippy::large_enum_variant)]
pub mod insta {
    /// `insta.auth.v1`: every token of the system.
    pub mod auth {
        pub mod v1 {
            tonic::include_proto!("insta.auth.v1");
        }
    }
    /// `insta.profile.v1`: what is known of each user.
    pub mod profile {
        pub mod v1 {
            tonic::include_proto!("insta.profile.v1");
        }
    }
    /// `insta.knowledge.v1`: help articles and search.
    pub mod knowledge {
        pub mod v1 {
            tonic::include_proto!("insta.knowledge.v1");
        }
    }
    /// `insta.agent.v1`: the calls.
    pub mod agent {
        pub mod v1 {
            tonic::include_proto!("insta.agent.v1");
        }
    }
}

/// Every contract with its imports and comments, encoded: what reflection serves.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/insta.binpb"));

/// The path of every RPC, for example `/insta.auth.v1.AuthService/GetKeySet`.
pub fn methods() -> Vec<String> {
    use prost::Message;
    let set = prost_types::FileDescriptorSet::decode(FILE_DESCRIPTOR_SET)
        .expect("the build script encoded it");
    set.file
        .iter()
        .flat_map(|file| {
            file.service.iter().flat_map(move |service| {
                service.method.iter().map(move |method| {
                    format!("/{}.{}/{}", file.package(), service.name(), method.name())
                })
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_contract_is_in_the_descriptor_set() {
        let methods = super::methods();
        for path in [
            "/insta.auth.v1.AuthService/CreateSession",
            "/insta.profile.v1.ProfileService/GetProfile",
            "/insta.knowledge.v1.KnowledgeService/Search",
            "/insta.agent.v1.AgentService/StartCall",
        ] {
            assert!(
                methods.iter().any(|method| method == path),
                "{path} is missing"
            );
        }
    }
}
