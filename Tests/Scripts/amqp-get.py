#!/usr/bin/env python3
"""Takes one message from a queue with its properties and headers, and prints it as JSON: amqp-get.py URL QUEUE.

It speaks AMQP 0-9-1 by itself, so that what the library writes is read by something else.
"""
import json
import socket
import struct
import sys
from urllib.parse import urlparse


def short(text):
    data = text.encode()
    return bytes([len(data)]) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def short(self):
        return self.take(self.number("B")).decode()

    def value(self):
        kind = self.take(1).decode()
        forms = {"t": "?", "b": "b", "B": "B", "s": "h", "u": "H", "I": "i", "i": "I", "l": "q", "T": "Q", "d": "d"}
        if kind == "S":
            return self.take(self.number("I")).decode()
        if kind == "F":
            return self.table()
        return self.number(forms[kind])

    def table(self):
        end = self.number("I") + self.at
        fields = {}
        while self.at < end:
            name = self.short()
            fields[name] = self.value()
        return fields


class Connection:
    def __init__(self, url):
        self.socket = socket.create_connection((url.hostname, url.port), 10)
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self.expect(10, 10)
        response = b"\x00" + url.username.encode() + b"\x00" + url.password.encode()
        self.send(0, 10, 11, b"\x00\x00\x00\x00" + short("PLAIN") + struct.pack(">I", len(response)) + response + short("en_US"))
        self.expect(10, 30)
        self.send(0, 10, 31, struct.pack(">HIH", 2047, 131072, 0))
        self.send(0, 10, 40, short("/") + b"\x00\x00")
        self.expect(10, 41)
        self.send(1, 20, 10, short(""))
        self.expect(20, 11)

    def send(self, channel, class_id, method, arguments):
        payload = struct.pack(">HH", class_id, method) + arguments
        self.socket.sendall(struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce")

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError("the broker hung up")
            data += part
        return data

    def frame(self):
        kind, _, size = struct.unpack(">BHI", self.read(7))
        payload = self.read(size)
        assert self.read(1) == b"\xce"
        return self.frame() if kind == 8 else (kind, Reader(payload))

    def expect(self, class_id, method):
        kind, reader = self.frame()
        found = (reader.number("H"), reader.number("H"))
        assert kind == 1 and found == (class_id, method), found
        return reader


connection = Connection(urlparse(sys.argv[1]))
connection.send(1, 60, 70, b"\x00\x00" + short(sys.argv[2]) + b"\x01")
reader = connection.expect(60, 71)
reader.take(9)
message = {"exchange": reader.short(), "routingKey": reader.short(), "properties": {}, "headers": {}}
_, header = connection.frame()
header.take(4)
size, flags = header.number("Q"), header.number("H")
names = ["contentType", "contentEncoding", "headers", "deliveryMode", "priority", "correlationID", "replyTo",
         "expiration", "messageID", "timestamp", "type", "userID", "appID"]
for place, name in enumerate(names):
    if not flags & 1 << (15 - place):
        continue
    if name == "headers":
        message["headers"] = header.table()
    elif name in ("deliveryMode", "priority"):
        message["properties"][name] = header.number("B")
    elif name == "timestamp":
        message["properties"][name] = header.number("Q")
    else:
        message["properties"][name] = header.short()
body = b""
while len(body) < size:
    _, part = connection.frame()
    body += part.data
message["body"] = body.decode()
print(json.dumps(message))
