//! A WebSocket that is held open, by hand: a handshake, short text messages, nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Fallible;
use super::bench::Bench;
use super::cluster::gateway;

/// An open WebSocket to `/socket.io/` of a bench.
#[derive(Debug)]
pub struct Socket {
    stream: BufReader<TcpStream>,
}

impl Socket {
    /// Opens it through the gateway.
    pub fn open(bench: &Bench) -> Fallible<Self> {
        let gateway = gateway();
        let stream = TcpStream::connect(gateway.trim_start_matches("http://"))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut socket = Self { stream: BufReader::new(stream) };
        let head = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y3Jvc3NmYWRlLWJlZC1rZXk=\r\n\r\n",
            bench.site
        );
        socket.stream.get_mut().write_all(head.as_bytes())?;
        let mut status = String::new();
        socket.stream.read_line(&mut status)?;
        if !status.contains(" 101 ") {
            return Err(format!("the handshake was answered with {status}").into());
        }
        let mut line = String::from("-");
        while !line.trim().is_empty() {
            line.clear();
            socket.stream.read_line(&mut line)?;
        }
        Ok(socket)
    }

    /// Sends a word and gives what comes back: the version of the server and the word.
    pub fn echo(&mut self, word: &str) -> Fallible<String> {
        let length = u8::try_from(word.len())?;
        // A mask of zeros is a mask.
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], word.as_bytes()].concat();
        self.stream.get_mut().write_all(&frame)?;
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let mut text = vec![0; usize::from(head[1] & 0x7F)];
        self.stream.read_exact(&mut text)?;
        Ok(String::from_utf8(text)?)
    }
}
