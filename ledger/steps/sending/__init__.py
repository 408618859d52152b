"""Owed → mined: batches, transactions, and every way back when one of them fails.

The life of an operation.  Its moves stand as a table in `ledger.domain.outbox.operation_states`,
and each is a dated row that names its reason or its transaction.

    prepared ──▶ owed ──▶ sent ──▶ mined ──▶ final     the way of nearly all
        │        │  ▲      │ │       │         │
        ▼        │  ├──────┘ │       │         │       owed again: it goes out once more
     expired     │  ├────────│───────┘         │
                 │  ├────────│─────────────────┘
                 ▼  │        ▼
               stuck ◀───────┘                         stuck: a person looks, and acts
                 │
                 ▼
              refused ──▶ mined                        overruled: the chain has it all the same

The life of a transaction, the envelope around a batch of operations of one kind.  It is stored
before any node sees it, and the same bytes are sent until it is mined.

    signed ──▶ sent ──▶ mined ──▶ final
       │        │ ▲       │         │
       │        │ └───────┘         │                  its block was replaced
       └────────┴───────────────────┴──▶ dropped       its nonce is used again

A round of the writer (`writer`), one at a time under the lease:

1. `underway` looks for receipts: what is in a block is *mined*, transaction and operations.
2. `owed` reads the oldest operations, `early` sets aside what was signed ahead of the chain's
   clock, and `ledger.domain.outbox.batching` makes groups whose predecessors are recorded or go
   before them.
3. What goes out for the first time is asked of nobody; what came back is checked with the node.
4. `enveloping` signs a transaction for each group, under nonces that follow each other, and stores
   them with their operations, *sent*, in one transaction of the database.
5. `underway` hands them over.  The embedded chain seals them as one block; a chain of others
   answers, and mines them when it likes.

The follower (`ledger.steps.following`) reads final blocks: what they record is *final*, whoever
sent it, and whatever was believed of it here.

Every way back, by what happened:

| what happened                                | operation           | transaction | who does it  |
|----------------------------------------------|---------------------|-------------|--------------|
| the node does not take it                    | owed again ¹        | dropped ²   | `settle`     |
| it was mined and reverted                    | owed again ¹        | mined       | `settle`     |
| its block, not final, was replaced           | owed, sent again    | sent again  | `settle`     |
| nobody mined it for ten minutes              | stuck, or mined yet | sent        | `settle`     |
| the contract says: not yet                   | owed, tried later   | none        | `refusals`   |
| it says so for too long, or we made an error | stuck               | none        | `refusals`   |
| it was signed far ahead of the chain's clock | stuck               | none        | `early`      |
| the contract says no, in a final block       | refused ³           | none        | `refusals`   |
| a person says: try again                     | stuck → owed again  | dropped ²   | `mending`    |
| a person says no                             | stuck → refused ³   | none alive  | `mending`    |
| somebody else sent it                        | mined, then final   | none        | the follower |
| a final block records what was refused       | overruled: final    | any         | the follower |
| a rebuild finds that a final block is lost   | owed again          | dropped     | `reowing`    |

¹ Five times; then it is stuck with the last reason.
² With all that waits behind it: a nonce comes after the one before.  A dropped transaction may be
mined all the same; then its operations are found by their digests, and its successor at the nonce
is not taken.
³ Its place is vacated (`vacating`): a corrected operation may take it, and what cannot be without
it is refused with it.  What takes the place of an overruled one is refused in turn.

So each kind of undoing has one word: *owe again* an operation, *drop* a transaction, *refuse* and
*vacate* a place, *overrule* a refusal.  *Restore* is for backups alone.
"""
