using System.Buffers.Text;
using System.Text;

namespace Slipway.Rag.Storage.Internal;

/// <summary>Where a page ended: the last row's sort key, opaque to callers.</summary>
internal static class PageMark
{
    private const char Separator = '\u001f';

    public static string Write(string name, string id) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name + Separator + id));

    /// <summary>The key, or a key before all others when there is no mark.</summary>
    public static (string Name, string Id) Read(string? mark)
    {
        if (string.IsNullOrEmpty(mark))
        {
            return ("", "");
        }

        try
        {
            var text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(mark));
            var end = text.LastIndexOf(Separator);
            return end < 0 ? throw new FormatException() : (text[..end], text[(end + 1)..]);
        }
        catch (FormatException exception)
        {
            throw new SlipwayException(
                ErrorClass.Permanent,
                "The mark of the page is not one that was given out here.",
                "Pass the last page's mark as it was, or none for the first page.",
                exception
            );
        }
    }
}
