"""Reads a pprof profile with google's protobuf, by the published `profile.proto`."""

from __future__ import annotations

import gzip
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# message → field → (number, type, repeated): https://github.com/google/pprof/blob/main/proto/profile.proto
_MESSAGES: dict[str, dict[str, tuple[int, str, bool]]] = {
    "Profile": {
        "sample_type": (1, "ValueType", True),
        "sample": (2, "Sample", True),
        "mapping": (3, "Mapping", True),
        "location": (4, "Location", True),
        "function": (5, "Function", True),
        "string_table": (6, "string", True),
        "drop_frames": (7, "int64", False),
        "keep_frames": (8, "int64", False),
        "time_nanos": (9, "int64", False),
        "duration_nanos": (10, "int64", False),
        "period_type": (11, "ValueType", False),
        "period": (12, "int64", False),
        "comment": (13, "int64", True),
        "default_sample_type": (14, "int64", False),
    },
    "ValueType": {"type": (1, "int64", False), "unit": (2, "int64", False)},
    "Sample": {
        "location_id": (1, "uint64", True),
        "value": (2, "int64", True),
        "label": (3, "Label", True),
    },
    "Label": {
        "key": (1, "int64", False),
        "str": (2, "int64", False),
        "num": (3, "int64", False),
        "num_unit": (4, "int64", False),
    },
    "Mapping": {
        "id": (1, "uint64", False),
        "memory_start": (2, "uint64", False),
        "memory_limit": (3, "uint64", False),
        "file_offset": (4, "uint64", False),
        "filename": (5, "int64", False),
        "build_id": (6, "int64", False),
        "has_functions": (7, "bool", False),
        "has_filenames": (8, "bool", False),
        "has_line_numbers": (9, "bool", False),
        "has_inline_frames": (10, "bool", False),
    },
    "Location": {
        "id": (1, "uint64", False),
        "mapping_id": (2, "uint64", False),
        "address": (3, "uint64", False),
        "line": (4, "Line", True),
        "is_folded": (5, "bool", False),
    },
    "Line": {"function_id": (1, "uint64", False), "line": (2, "int64", False)},
    "Function": {
        "id": (1, "uint64", False),
        "name": (2, "int64", False),
        "system_name": (3, "int64", False),
        "filename": (4, "int64", False),
        "start_line": (5, "int64", False),
    },
}


def _profile_class() -> Any:
    proto = descriptor_pb2.FieldDescriptorProto
    kinds = {
        "int64": proto.TYPE_INT64,
        "uint64": proto.TYPE_UINT64,
        "bool": proto.TYPE_BOOL,
        "string": proto.TYPE_STRING,
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="profile.proto", package="perftools.profiles", syntax="proto3"
    )
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind, repeated) in fields.items():
            field = described.field.add(name=name, number=number)
            field.label = proto.LABEL_REPEATED if repeated else proto.LABEL_OPTIONAL
            field.type = kinds.get(kind, proto.TYPE_MESSAGE)
            if kind not in kinds:
                field.type_name = f".perftools.profiles.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("perftools.profiles.Profile"))


class Profile:
    """A profile with its numbers replaced by what they stand for."""

    def __init__(self, content: bytes) -> None:
        message = _profile_class()()
        message.ParseFromString(gzip.decompress(content))
        self.message = message
        text = message.string_table
        assert text[0] == ""
        assert len(set(text)) == len(text)
        functions = {f.id: (text[f.name], text[f.filename]) for f in message.function}
        locations = {
            location.id: (*functions[location.line[0].function_id], location.line[0].line)
            for location in message.location
        }
        self.sample_types = [(text[t.type], text[t.unit]) for t in message.sample_type]
        self.default_sample_type = text[message.default_sample_type]
        self.comments = [text[number] for number in message.comment]
        self.samples = [
            (
                [locations[number] for number in sample.location_id],
                list(sample.value),
                {text[label.key]: text[label.str] for label in sample.label},
            )
            for sample in message.sample
        ]

    def values_of(self, *functions: str) -> list[int]:
        """The summed values of the stacks of these functions, innermost first."""
        found = [
            values
            for stack, values, _ in self.samples
            if tuple(function for function, _, _ in stack) == functions
        ]
        assert found, [stack for stack, _, _ in self.samples]
        return [sum(column) for column in zip(*found)]
