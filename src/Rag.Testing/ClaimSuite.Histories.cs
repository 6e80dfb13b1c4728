using CsCheck;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

// Any sequence of claims, renewals, ends and late comers, held against a model.
public abstract partial class ClaimSuite
{
    /// <summary>Histories that are tried.</summary>
    protected virtual int Histories => 30;

    /// <summary>Histories of three workers and a clock, against a model that is a few variables a document.</summary>
    [Fact]
    public async Task Any_history_is_the_naive_one()
    {
        var number = 0;
        await Gen.Select(Gen.Int[0, 6], Gen.Int[0, 2], Gen.Int[-1, 3])
            .Array[1, 30]
            .SampleAsync(
                async history =>
                {
                    var collection = new CollectionKey("default", "history " + Interlocked.Increment(ref number));
                    string[] names = ["a", "b"];
                    var due = await Store.ReadClockAsync(Token) - (1_000 * Hour);
                    foreach (var name in names)
                    {
                        await AddAsync(name, due, collection);
                    }

                    var model = new NaiveClaims(
                        names.OrderBy(
                            name => DocumentId.Derive(collection, Corpus.Source, name),
                            StringComparer.Ordinal
                        )
                    );
                    var held = new Dictionary<(int Worker, string Name), DocumentClaim>();
                    foreach (var (step, worker, hours) in history)
                    {
                        var name = hours % 2 == 0 ? "a" : "b";
                        var claim = held.GetValueOrDefault((worker, name));
                        switch (step)
                        {
                            case 0 or 1:
                                var taken = await Queue.ClaimAsync(
                                    collection,
                                    "worker " + worker,
                                    1 + (step * 5),
                                    Hour * (2 + hours),
                                    cancellationToken: Token
                                );
                                Assert.Equal(
                                    model.Claim(
                                        worker,
                                        1 + (step * 5),
                                        2 + hours,
                                        [.. taken.Select(one => one.FencingToken)]
                                    ),
                                    taken.Count
                                );
                                foreach (var one in taken)
                                {
                                    held[(worker, one.Document.Name)] = one;
                                }

                                break;
                            case 2 when claim is not null:
                                Assert.Equal(
                                    model.Renew(name, worker, claim.FencingToken, 2 + hours),
                                    (await Queue.RenewAsync([claim], Hour * (2 + hours), Token)).Count == 1
                                );
                                break;
                            case 3 when claim is not null:
                                Assert.Equal(
                                    model.Return(name, worker, claim.FencingToken),
                                    await Queue.ReturnAsync([claim], Token) == 1
                                );
                                break;
                            case 4 when claim is not null:
                                var mayFail = model.Fail(name, worker, claim.FencingToken);
                                var failing = Store.Documents.RecordFailureAsync(
                                    Corpus.Failure(name) with
                                    {
                                        Collection = collection,
                                        Claim = claim,
                                        NextActionAt = claim.Entry.NextActionAt,
                                    },
                                    Token
                                );
                                Assert.Equal(mayFail, await IsDoneAsync(failing));
                                break;
                            case 5 or 6:
                                await Store.ShiftClockAsync(Hour * hours, Token);
                                model.Now += hours;
                                break;
                        }
                    }
                },
                iter: Histories,
                threads: 1
            );

        static async Task<bool> IsDoneAsync(ValueTask work)
        {
            try
            {
                await work;
                return true;
            }
            catch (ClaimLostException)
            {
                return false;
            }
        }
    }
}
