"""A spool on disk: an access is durable before Kafka has it, and whether or not Kafka is up.

settings   where the spool is, and how much it may hold
frames     the bytes of a record, and how it is found again next to bytes that are damaged
parts      one folder for each process, which only its living owner writes
journal    this process's records on disk, in segments
writer     a thread that makes many records durable with one `fsync`
lane       the way of one part's records to Kafka, in their order
sender     a thread that sends this process's records, and those of processes that are gone
quarantine what cannot be sent, kept aside
outbox     all of it behind the seam of every `Outbox`
"""
