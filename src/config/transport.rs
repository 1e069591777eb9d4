//! What the transport takes, in number and bytes.

use super::Rate;
use super::reader::Reader;

/// What the transport takes, in number and bytes.
#[derive(Clone, Copy, Debug)]
pub struct TransportLimits {
    /// HTTP requests at once.
    pub requests: usize,
    /// Open connections.
    pub connections: usize,
    /// Open sockets and event streams.
    pub sockets: usize,
    /// Operations at once on a socket.
    pub operations: usize,
    /// Bytes of a JSON body or a socket's message.
    pub body: usize,
    /// Bytes of a file of a multipart request.
    pub file: usize,
    /// Bytes of a multipart request.
    pub upload: usize,
    /// Files of a multipart request.
    pub files: usize,
    /// Uploads at once.
    pub uploads: usize,
    /// Open connections from one address.
    pub connections_per_address: Rate,
    /// Open sockets and event streams from one address.
    pub sockets_per_address: Rate,
    /// Uploads at once from one address.
    pub uploads_per_address: Rate,
}

impl Reader {
    pub fn transport_limits(&mut self) -> TransportLimits {
        let connections = self.size("PLAZA_LIMIT_CONNECTIONS", 30_000, 1, 1_000_000);
        let sockets = self.size("PLAZA_LIMIT_SOCKETS", 20_000, 1, 1_000_000);
        let uploads = self.size("PLAZA_LIMIT_UPLOADS", 64, 1, 1000);
        TransportLimits {
            requests: self.size("PLAZA_LIMIT_REQUESTS", 1024, 1, 100_000),
            connections,
            sockets,
            operations: self.size("PLAZA_LIMIT_OPERATIONS", 50, 1, 1000),
            body: self.size("PLAZA_LIMIT_BODY_KB", 64, 1, 1024) << 10,
            file: self.size("PLAZA_LIMIT_FILE_KB", 1024, 1, 65_536) << 10,
            upload: self.size("PLAZA_LIMIT_UPLOAD_KB", 10_240, 1, 262_144) << 10,
            files: self.size("PLAZA_LIMIT_FILES", 10, 1, 100),
            uploads,
            connections_per_address: self.share("PLAZA_LIMIT_CONNECTIONS_PER_ADDRESS", connections),
            sockets_per_address: self.share("PLAZA_LIMIT_SOCKETS_PER_ADDRESS", sockets),
            uploads_per_address: self.share("PLAZA_LIMIT_UPLOADS_PER_ADDRESS", uploads),
        }
    }

    /// What one address may hold of a total: a quarter, unless the setting says otherwise.
    fn share(&mut self, name: &str, total: usize) -> Rate {
        self.rate(name, u32::try_from(total / 4).unwrap_or(u32::MAX).clamp(1, 1_000_000))
    }
}
