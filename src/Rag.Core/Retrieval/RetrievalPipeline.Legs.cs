using System.Numerics.Tensors;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval;

// What is found by words, what is found by meaning, and what is done when one of them is not to be had.
public sealed partial class RetrievalPipeline
{
    private async ValueTask<IReadOnlyList<ScoredChunk>> SearchTextAsync(
        ISearchSnapshot snapshot,
        string query,
        int depth,
        CancellationToken cancellationToken
    )
    {
        using var span = RagTelemetry.Spans.StartActivity("slipway.retrieve.words");
        return await snapshot.SearchTextAsync(query, depth, _options.Bm25, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<IReadOnlyList<ScoredChunk>> SearchVectorsAsync(
        ISearchSnapshot snapshot,
        string model,
        ReadOnlyMemory<float> vector,
        int depth,
        CancellationToken cancellationToken
    )
    {
        using var span = RagTelemetry.Spans.StartActivity("slipway.retrieve.vectors");
        return await snapshot.SearchVectorsAsync(model, vector, depth, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<(ReadOnlyMemory<float>? Vector, string? Note)> EmbedAsync(
        QueryModel? model,
        string query,
        CancellationToken cancellationToken
    )
    {
        if (model is null)
        {
            return (null, null);
        }

        try
        {
            var vector = await model
                .Generator.GenerateVectorAsync(query, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            // Nothing is near to a vector of zeros, but a scan would still rank something first.
            return TensorPrimitives.Norm(vector.Span) is > 0 and < float.PositiveInfinity
                ? (vector, null)
                : throw new InvalidDataException("it returned a vector without direction");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (SlipwayException exception)
            when (exception.Class is ErrorClass.Configuration or ErrorClass.Authentication)
        {
            throw;
        }
        catch (Exception exception) when (_options.LexicalWhenEmbeddingFails)
        {
            LogLexicalOnly(exception, model.Fingerprint);
            return (
                null,
                $"The embedding model '{model.Fingerprint}' could not be asked; these passages were found by their words alone."
            );
        }
        catch (Exception exception) when (exception is not SlipwayException)
        {
            throw new SlipwayException(
                ErrorClass.Transient,
                $"The embedding model '{model.Fingerprint}' could not embed the query: {exception.Message}",
                "Try again, or set LexicalWhenEmbeddingFails to search by words alone meanwhile.",
                exception
            );
        }
    }

    private static string Unembedded(string model) =>
        $"Not everything is embedded by '{model}' yet; these passages were found by their words alone.";

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedding model {Model} failed; searching by words alone")]
    private partial void LogLexicalOnly(Exception exception, string model);
}
