using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

// What a run tells who watches it.
public abstract partial class IngestionSuite
{
    [Fact]
    public async Task A_run_is_a_span_and_each_document_one_below_it()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = Listen(spans);
        using var test = new Activity("test").Start();
        var embedder = new CountingEmbedder
        {
            Fails = input =>
                input.Contains("pump 7", StringComparison.Ordinal)
                    ? new SlipwayException(ErrorClass.Permanent, "This text is not accepted.")
                    : null,
        };
        using var knowledge = Pumps(embedder, new());

        await knowledge.RunAsync();
        await new RetrievalPipeline(Store.Search, new CountingEmbedder()).RetrieveAsync(
            new() { Query = "valve", Principal = Principal.Local },
            Token
        );

        var mine = spans.Where(span => span.TraceId == test.TraceId).ToList();
        var run = Assert.Single(mine, span => span.OperationName == "slipway.ingest");
        Assert.Equal("incomplete", run.GetTagItem("slipway.outcome"));
        Assert.Equal(19, run.GetTagItem("slipway.documents.published"));
        var documents = mine.Where(span =>
            span.ParentSpanId == run.SpanId && span.OperationName == "slipway.ingest.document"
        );
        Assert.Equal(20, documents.Count());
        var bad = Assert.Single(documents, span => span.Status == ActivityStatusCode.Error);
        Assert.Equal(("quarantined", "Permanent"), (bad.GetTagItem("slipway.outcome"), bad.GetTagItem("error.type")));
        Assert.Contains(mine, span => span.OperationName == "slipway.embed");
        var retrieval = Assert.Single(mine, span => span.OperationName == "slipway.retrieve");
        Assert.Equal("hybrid", retrieval.GetTagItem("slipway.legs"));
        Assert.Equal(
            ["slipway.retrieve.vectors", "slipway.retrieve.words"],
            mine.Where(span => span.ParentSpanId == retrieval.SpanId).Select(span => span.OperationName).Order()
        );
        var words = mine.SelectMany(span => span.TagObjects).Select(tag => $"{tag.Value}");
        Assert.DoesNotContain(words, word => word.Contains("valve", StringComparison.Ordinal));
        Assert.DoesNotContain(words, word => word.Contains(".md", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_run_that_is_cancelled_says_so_and_is_no_error()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = Listen(spans);
        using var test = new Activity("test").Start();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using var knowledge = Pumps(new CountingEmbedder { Meanwhile = stop.CancelAsync }, new());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            knowledge.Pipeline.RunAsync(knowledge.Source, CollectionKey.Default, null, stop.Token)
        );

        var mine = spans.Where(span => span.TraceId == test.TraceId).ToList();
        Assert.All(mine, span => Assert.NotEqual(ActivityStatusCode.Error, span.Status));
        var run = Assert.Single(mine, span => span.OperationName == "slipway.ingest");
        Assert.Equal(("cancelled", null), (run.GetTagItem("slipway.outcome"), run.GetTagItem("error.type")));
    }

    [Fact]
    public async Task A_run_that_fails_is_an_error_even_where_a_call_in_it_was_cancelled()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = Listen(spans);
        using var test = new Activity("test").Start();
        using var knowledge = new Knowledge(Store, Time, gate: new BrokenGate());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => knowledge.RunAsync());

        var run = Assert.Single(spans, span => span.TraceId == test.TraceId);
        Assert.Equal(("failed", ActivityStatusCode.Error), (run.GetTagItem("slipway.outcome"), run.Status));
    }

    [Fact]
    public async Task What_became_of_documents_is_counted()
    {
        var counts = new ConcurrentDictionary<string, long>();
        var collection = new CollectionKey("default", Guid.NewGuid().ToString("N"));
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, meters) =>
            {
                if (instrument.Meter.Name == RagTelemetry.Name)
                {
                    meters.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument.Name, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Count(instrument.Name, 1, tags));
        listener.Start();
        using var knowledge = Pumps(new CountingEmbedder(), new());

        await knowledge.Pipeline.RunAsync(knowledge.Source, collection, null, Token);
        File.Delete(Path.Combine(knowledge.Folder, "00.md"));
        File.Move(Path.Combine(knowledge.Folder, "01.md"), Path.Combine(knowledge.Folder, "one.md"));
        await knowledge.Pipeline.RunAsync(knowledge.Source, collection, null, Token);

        Assert.Equal(20, counts["slipway.ingestion.documents published"]);
        Assert.Equal(1, counts["slipway.ingestion.documents deleted"]);
        Assert.Equal(1, counts["slipway.ingestion.documents moved"]);
        Assert.Equal(20, counts["slipway.ingestion.chunks "]);
        Assert.Equal(20, counts["slipway.ingestion.embedded "]);
        Assert.Equal(2, counts["slipway.ingestion.run.duration complete"]);

        void Count(string name, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string outcome = "",
                where = "";
            foreach (var (key, tag) in tags)
            {
                outcome = key == "slipway.outcome" ? $"{tag}" : outcome;
                where = key == "slipway.collection" ? $"{tag}" : where;
            }

            if (where == collection.Collection)
            {
                counts.AddOrUpdate($"{name} {outcome}", value, (_, sum) => sum + value);
            }
        }
    }

    private sealed class BrokenGate : Gate
    {
        public override Task<TResult> PassAsync<TResult>(GatedCall call, Func<Task<TResult>> effect) =>
            throw new OperationCanceledException("The server has cancelled the call.");
    }

    private static ActivityListener Listen(ConcurrentQueue<Activity> spans)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == RagTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
