/** A protobuf message without its schema: the values of each field by its number, in their order. */
export class ProtobufMessage {
  readonly #fields = new Map<number, (bigint | Buffer)[]>();

  /** Throws on what is no message. */
  constructor(bytes: Buffer) {
    let at = 0;
    const varint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = BigInt(bytes.readUInt8(at));
        at += 1;
        value |= (byte & 0x7fn) << shift;
        if (byte < 0x80n) return value;
      }
    };
    const take = (length: number): Buffer => {
      if (at + length > bytes.length) throw new RangeError('the message ends early');
      at += length;
      return bytes.subarray(at - length, at);
    };
    while (at < bytes.length) {
      const key = varint();
      const field = Number(key >> 3n);
      const wire = Number(key & 7n);
      let value: bigint | Buffer;
      if (wire === 0) value = varint();
      else if (wire === 1) value = take(8);
      else if (wire === 2) value = take(Number(varint()));
      else if (wire === 5) value = take(4);
      else throw new RangeError(`no wire type ${wire}`);
      const values = this.#fields.get(field);
      if (values === undefined) this.#fields.set(field, [value]);
      else values.push(value);
    }
  }

  bytes(field: number): Buffer[] {
    return (this.#fields.get(field) ?? []).filter((value) => typeof value !== 'bigint');
  }

  messages(field: number): ProtobufMessage[] {
    return this.bytes(field).map((bytes) => new ProtobufMessage(bytes));
  }

  message(field: number): ProtobufMessage {
    return this.messages(field)[0] ?? new ProtobufMessage(Buffer.alloc(0));
  }

  text(field: number): string {
    return this.bytes(field)[0]?.toString() ?? '';
  }

  hex(field: number): string {
    return this.bytes(field)[0]?.toString('hex') ?? '';
  }

  number(field: number): number {
    const [value] = this.#fields.get(field) ?? [];
    return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
  }

  doubles(field: number): number[] {
    return this.bytes(field).flatMap((bytes) =>
      Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readDoubleLE(index * 8)),
    );
  }

  fixed64s(field: number): number[] {
    return this.bytes(field).flatMap((bytes) =>
      Array.from({ length: bytes.length / 8 }, (_, index) => Number(bytes.readBigUInt64LE(index * 8))),
    );
  }
}
