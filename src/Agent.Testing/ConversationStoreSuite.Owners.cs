using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Testing;

public abstract partial class ConversationStoreSuite
{
    /// <summary>Three principals do anything with each other's ids; none ever sees or changes what is another's.</summary>
    [Fact]
    public async Task Nobody_ever_sees_anothers()
    {
        Random random = new(20260101);
        Principal[] principals = [Ada, Eve, AdaElsewhere];
        Dictionary<(string Tenant, string Id), string> owners = [];
        Dictionary<(Principal, string), List<string>> expected = [];
        for (var i = 0; i < 400; i++)
        {
            var principal = principals[random.Next(3)];
            var id = "c" + random.Next(6);
            var owned = owners.GetValueOrDefault((principal.Tenant, id));
            var mine = owned == principal.Id;
            switch (random.Next(5))
            {
                case 0 or 1 when owned is null || mine:
                    await SayAsync(principal, id, $"{principal} {i}", "ok");
                    owners[(principal.Tenant, id)] = principal.Id;
                    expected.TryAdd((principal, id), []);
                    expected[(principal, id)].AddRange([$"{principal} {i}", "ok"]);
                    break;
                case 0 or 1:
                    await Assert.ThrowsAsync<ConversationNotFoundException>(() =>
                        StartAsync(principal, id, "mine now")
                    );
                    await FinishAsync(principal, id, "slipped in");
                    break;
                case 2:
                    Assert.Equal(mine, await Store.RenameAsync(principal, id, $"{principal}", Cancellation));
                    break;
                case 3 when random.Next(4) == 0:
                    Assert.Equal(mine, await Store.DeleteAsync(principal, id, Cancellation));
                    if (mine)
                    {
                        owners.Remove((principal.Tenant, id));
                        expected.Remove((principal, id));
                    }

                    break;
                default:
                    Assert.Equal(mine, await Store.FindAsync(principal, id, Cancellation) is not null);
                    Assert.Equal(mine, await Store.FindLastTurnAsync(principal, id, Cancellation) is not null);
                    Assert.Equal(expected.GetValueOrDefault((principal, id), []), await TextsAsync(principal, id));
                    break;
            }
        }

        foreach (var principal in principals)
        {
            Assert.Equal(
                owners
                    .Where(owner => owner.Key.Tenant == principal.Tenant && owner.Value == principal.Id)
                    .Select(owner => owner.Key.Id)
                    .Order(),
                (await Store.ListAsync(principal, cancellationToken: Cancellation))
                    .Conversations.Select(c => c.Id)
                    .Order()
            );
        }
    }

    [Fact]
    public async Task Anothers_turn_cannot_be_written_to_or_ended()
    {
        await Turns.StartTurnAsync(
            Start(Ada, "c", "q", null, "adas") with
            {
                Events = [new StepStarted(1)],
                Step = new()
                {
                    Number = 1,
                    Kind = TurnStepKind.Model,
                    Status = TurnStepStatus.Started,
                },
            },
            Cancellation
        );

        foreach (var other in new[] { Eve, AdaElsewhere })
        {
            Assert.False(await Turns.WriteAsync(Output(other, "c", "adas", "slipped in"), Cancellation));
            Assert.False(
                await Turns.WriteAsync(
                    Output(other, "c", "adas", "and ended") with
                    {
                        End = new(TurnStatus.Completed, "stop"),
                    },
                    Cancellation
                )
            );
            Assert.Empty(await Turns.ReadEventsAsync(other, "adas", cancellationToken: Cancellation));
            Assert.Empty(await Turns.ReadStepsAsync(other, "adas", Cancellation));
            Assert.Null(await Turns.RequestStopAsync(other, "c", Cancellation));
            Assert.Null(await Store.FindTurnAsync(other, "adas", Cancellation));
        }

        Assert.Equal(["q"], await TextsAsync(Ada, "c"));
        Assert.Equal(TurnStatus.Running, (await Store.FindTurnAsync(Ada, "adas", Cancellation))!.Status);
    }

    [Fact]
    public async Task Of_those_who_take_a_free_id_at_once_one_owns_it()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        for (var round = 0; round < 10; round++)
        {
            var id = $"c{round}";
            var owners = await Task.WhenAll(
                new[] { (Turns, Ada), (other.Turns, Eve), (Turns, Eve), (other.Turns, Ada) }.Select(
                    (one, i) =>
                        Task.Run(
                            async () =>
                            {
                                try
                                {
                                    await one.Item1.StartTurnAsync(
                                        Start(one.Item2, id, $"{one.Item2.Id} {i}", null),
                                        Cancellation
                                    );
                                    return one.Item2;
                                }
                                catch (ConversationBusyException)
                                {
                                    return one.Item2; // it is theirs, and answers them already
                                }
                                catch (ConversationNotFoundException)
                                {
                                    return null;
                                }
                            },
                            Cancellation
                        )
                )
            );

            var owner = Assert.Single(owners.OfType<Principal>().Distinct());
            Assert.Equal(2, owners.Count(one => one == owner));
            Assert.StartsWith(owner.Id, Assert.Single(await TextsAsync(owner, id)), StringComparison.Ordinal);
            Assert.Null(await Store.FindAsync(owner == Ada ? Eve : Ada, id, Cancellation));
        }
    }
}
